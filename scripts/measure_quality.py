"""Measure a preset on its tasks' own test splits: frames, routing, and the linear head on the frozen base.

    python scripts/measure_quality.py --preset hard8 --data-dir DATA --seeds 42,123,7 --store S --output F

Per seed a stack is trained into the store (kept, so a second run only measures; seeds that the output file
holds already are not measured again). Every test text is answered by its own frame (task-aware), by the frame
that the router picks (routed), and by a logistic regression on the frozen base's features of the same rows,
whose penalty dev chooses.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
from measuring import command

from skillstack.data.presets import load_preset
from skillstack.data.sources import load_task
from skillstack.models.encoding import encode
from skillstack.models.features import features_of
from skillstack.models.split import SplitModel
from skillstack.skills.head_training import best_logistic, measure
from skillstack.stack import Stack
from skillstack.training.data import choose_rows, labels_of, rows_of
from skillstack.training.execution import environment
from skillstack.training.options import RunOptions
from skillstack.training.recipe import Recipe


def main() -> int:
    options = _parser().parse_args()
    seeds = [int(seed) for seed in options.seeds.split(",")]
    runs: list[dict[str, Any]] = []
    if options.output and options.output.is_file():
        found = json.loads(options.output.read_text(encoding="utf-8"))
        runs = [run for run in found["runs"] if run["seed"] in seeds]
    for seed in seeds:
        if all(run["seed"] != seed for run in runs):
            runs.append(_run(options, seed))
        summary = _summary(options, runs)
        if options.output:
            options.output.parent.mkdir(parents=True, exist_ok=True)
            text = json.dumps(summary, indent=1, ensure_ascii=False) + "\n"
            options.output.write_text(text, encoding="utf-8")
    print(json.dumps({key: summary[key] for key in ("preset", "mean", "router")}, indent=1))
    return 0


def _summary(options: argparse.Namespace, runs: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "command": command(_parser(), options),
        "preset": options.preset,
        "model": options.model,
        "precision": options.precision or "default",
        "environment": environment(),
        "mean": {key: _mean(runs, key) for key in ("task_aware", "frozen_linear", "routed", "regret")},
        "router": {key: _mean([run["router"] for run in runs], key) for key in ("task", "family")},
        "runs": runs,
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--preset", required=True)
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--seeds", default="42")
    parser.add_argument("--model", default="minilm")
    parser.add_argument("--precision")
    parser.add_argument("--tasks", default="", help="only these tasks of the preset, comma-separated")
    parser.add_argument("--test-rows", type=int, default=0, help="first rows of each test split; 0 for all")
    parser.add_argument(
        "--baseline", default="all", help="tasks that the linear head is measured on; all or none"
    )
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--output", type=Path)
    return parser


def _run(options: argparse.Namespace, seed: int) -> dict[str, Any]:
    name = f"{options.preset}-{options.model}-{options.precision or 'default'}-{seed}"
    only = tuple(task for task in options.tasks.split(",") if task)
    began, used = time.monotonic(), time.process_time()
    where = {"model": options.model, "precision": options.precision}

    def hear(event: object) -> None:
        if "Frame" in type(event).__name__:
            print(event, file=sys.stderr)

    trained = Stack.open(options.store, name, **where, create=True).train(
        None if only else options.preset,
        tasks=only,
        data_dir=options.data_dir,
        recipe=Recipe(seed=seed),
        run=RunOptions(on_event=hear),
    )
    seconds, used = time.monotonic() - began, time.process_time() - used
    stack = Stack.open(options.store, name)
    began = time.monotonic()
    tasks = [_task(stack, options, name) for name in only or load_preset(options.preset).task_names]
    n = sum(task["n"] for task in tasks)
    run = {
        "seed": seed,
        "tip": stack.frames()[0].id,
        "training_seconds": round(seconds, 1) if trained.trained else None,
        "training_processor_seconds": round(used, 1) if trained.trained else None,
        "evaluation_seconds": round(time.monotonic() - began, 1),
        "task_aware": _mean(tasks, "task_aware"),
        "frozen_linear": _mean(tasks, "frozen_linear"),
        "routed": _mean(tasks, "routed"),
        "regret": round(_mean(tasks, "task_aware") - _mean(tasks, "routed"), 2),
        "router": {
            key: round(100 * sum(task[f"router_{key}_correct"] for task in tasks) / n, 2)
            for key in ("task", "family")
        },
        "tasks": tasks,
    }
    print(json.dumps({key: value for key, value in run.items() if key != "tasks"}), file=sys.stderr)
    return run


def _task(stack: Stack, options: argparse.Namespace, name: str) -> dict[str, Any]:
    data = load_task(name, options.data_dir)
    test = data.test[: options.test_rows or None]
    rows, labels = rows_of(test), np.array(labels_of(test))
    frame = stack.frame(name)
    aware = np.array([answer.label for answer in stack.predict(rows, frame=name)])
    family = frame.skills[0].family
    routes = stack.route(rows)
    at_home = np.array([route.task == name for route in routes])
    # A wrong frame of the same labels may give the right answer all the same.
    served = aware == labels
    for other in {route.frame for route in routes if route.task != name}:
        places = [place for place, route in enumerate(routes) if route.frame == other]
        answers = stack.predict([rows[place] for place in places], frame=other)
        for place, answer in zip(places, answers, strict=True):
            served[place] = answer.label_name == data.task.labels[labels[place]]
    wanted = options.baseline == "all" or name in options.baseline.split(",")
    result = {
        "task": name,
        "family": family,
        "n": len(rows),
        "task_aware": _percent(aware == labels),
        "frozen_linear": _frozen(stack, frame, data, rows, labels) if wanted else None,
        "routed": _percent(served),
        "router_task_correct": int(at_home.sum()),
        "router_family_correct": sum(route.family == family for route in routes),
        "dev": {key: f"{c.correct}/{c.n}" for key, c in frame.skills[0].metrics.items()},
    }
    print(json.dumps(result), file=sys.stderr)
    return result


def _frozen(stack: Stack, frame: Any, data: Any, rows: Any, labels: Any) -> float:
    recipe = Recipe.from_mapping(
        {key: float(value) if key in _FLOATS else value for key, value in frame.content.recipe.items()}
    )
    chosen = choose_rows(data, recipe)
    predictor = stack.loaded()
    base = predictor.base

    def seen(texts: Any) -> Any:
        with predictor.alone():
            return features_of(SplitModel(base, 0), encode(base, texts, frame.skills[0].rendering))

    train, dev = seen(rows_of(chosen.train)), seen(rows_of(chosen.dev))
    head, _ = best_logistic(
        train,
        labels_of(chosen.train),
        dev,
        labels_of(chosen.dev),
        len(data.task.labels),
        standardise=base.kind == "decoder",
    )
    count = measure(head, seen(rows), labels.tolist())
    return round(100 * count.accuracy, 2)


_FLOATS = {name for name, value in vars(Recipe()).items() if isinstance(value, float)}


def _percent(flags: Any) -> float:
    return round(100 * float(np.mean(np.asarray(flags, dtype=float))), 2)


def _mean(items: list[dict[str, Any]], key: str) -> float | None:
    """The mean of a figure; None where it was not measured everywhere."""
    if any(item[key] is None for item in items):
        return None
    return round(sum(item[key] for item in items) / len(items), 2)


if __name__ == "__main__":
    sys.exit(main())
