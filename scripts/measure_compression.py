"""What compression does to stacks, on test rows that neither it nor its guard ever saw.

    python scripts/measure_compression.py --data-dir DATA --store frames [--preset mixed8] [--seeds 42,123]

For each seed the preset is trained (or found), and then, always from the stack as it was trained: one family
is compressed; each frame of what came out is removed in turn, which is the boundary of what can go; and the
whole stack is brought to a share of its bytes. Each time the guard decides, test rows are asked before
and after, and undo has to bring the same ids back. One JSON file for each seed, and a table of all of them.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

from compression_results import Compressions, read_compressions
from measuring import ROOT, command, say
from render_compression import boundary, outcomes

from skillstack.compression.results import Compressed
from skillstack.evaluation.metrics import accuracy
from skillstack.evaluation.result import Evaluation
from skillstack.evaluation.statistics import Paired, paired
from skillstack.reports.provenance import versions
from skillstack.reports.table import to_markdown
from skillstack.stack import Stack
from skillstack.training.options import RunOptions
from skillstack.training.recipe import Recipe


def parser_of() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--preset", default="mixed8")
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--store", type=Path, default=Path("frames"))
    parser.add_argument("--seeds", default="42,123")
    parser.add_argument("--family", default="sentiment")
    parser.add_argument("--target", type=float, default=0.25, help="share of the bytes")
    parser.add_argument("--test-rows", type=int, default=250, help="test rows of each class at most")
    parser.add_argument("--output", type=Path, default=ROOT / "results" / "compression")
    return parser


def main() -> int:
    options = parser_of().parse_args()
    folder = options.output / f"{options.preset}-minilm"
    folder.mkdir(parents=True, exist_ok=True)
    for seed in options.seeds.split(","):
        path = folder / f"seed-{seed}.json"
        if not path.is_file():
            path.write_text(json.dumps(measure(int(seed), options), indent=1) + "\n")
    made = table(read_compressions(folder))
    (folder / "table.md").write_text(made, encoding="utf-8")
    print(made)
    return 0


def measure(seed: int, options: argparse.Namespace) -> dict[str, Any]:
    name = f"{options.preset}-{seed}"
    stack = Stack.open(options.store, name, create=True)

    def hear(event: object) -> None:
        say(f"seed {seed}: {type(event).__name__} {getattr(event, 'name', '')}")

    trained = stack.train(
        options.preset, data_dir=options.data_dir, recipe=Recipe(seed=seed), run=RunOptions(on_event=hear)
    )
    before = test(stack, options)
    ids = [frame.id for frame in stack.frames()]
    rows = {"data_dir": options.data_dir}
    began = time.perf_counter()
    plan = stack.compress(options.family, candidates="all", **rows, on_candidate=say)
    seconds = {"plan": time.perf_counter() - began}
    began = time.perf_counter()
    stack.compress(options.family, candidates="all", **rows)
    seconds["second_plan"] = time.perf_counter() - began
    began = time.perf_counter()
    family = stack.compress(options.family, candidates="all", **rows, apply=True, on_candidate=say)
    seconds["apply"] = time.perf_counter() - began
    document = {
        "schema": 1,
        "command": command(parser_of(), options, preset=options.preset, seeds=seed),
        "preset": options.preset,
        "seed": seed,
        "versions": versions(),
        "base": before.base,
        "base_weights": stack.frames()[0].content.base.weights,
        "tip": trained.tip,
        "frames": len(ids),
        "test_rows_per_class": options.test_rows,
        "seconds": {key: round(value, 1) for key, value in seconds.items()},
        "plan": plan.plan.to_json(),
        "family": outcome(stack, family, before, options),
    }
    if family.applied:
        ablated = stack.ablate(**rows)
        document["boundary"] = ablated.to_json()
        stack.undo()
    document["undone"] = [frame.id for frame in stack.frames()] == ids
    whole = stack.compress(
        target_bytes=options.target, candidates="all", **rows, apply=True, on_candidate=say
    )
    document["stack"] = outcome(stack, whole, before, options)
    if whole.applied:
        stack.undo()
    document["undone"] &= [frame.id for frame in stack.frames()] == ids
    return document


def outcome(
    stack: Stack, found: Compressed, before: Evaluation, options: argparse.Namespace
) -> dict[str, Any]:
    """What was tried, and on test rows what came of it."""
    written = found.to_json()
    document: dict[str, Any] = {
        "applied": found.applied,
        "guarded": written["guarded"],
        "chosen": found.plan.chosen,
        "bytes": {"before": found.plan.bytes},
    }
    if not found.applied or found.guarded is None:
        return document
    document["bytes"]["after"] = found.guarded.candidate.bytes
    document["frames"] = len(stack.frames())
    after = test(stack, options)
    document["test"] = compared(before, after)
    return document


def compared(before: Evaluation, after: Evaluation) -> dict[str, Any]:
    """Both evaluations on the same rows, task by task and over all."""
    pairs: dict[str, list[Any]] = {"task_aware": [], "routed": []}
    tasks = []
    for one in before.tasks:
        two = next(task for task in after.tasks if task.skill == one.skill)
        modes = {}
        for mode, found in pairs.items():
            masks = two.answers[mode].right, one.answers[mode].right
            found.append(masks)
            modes[mode] = change(paired([masks]), accuracy(masks[1]), accuracy(masks[0]))
        tasks.append({"task": one.task, "n": len(one.answers["task_aware"].right), **modes})
    if before.regret is None or after.regret is None:
        raise SystemExit("nothing was routed")
    return {
        "tasks": tasks,
        **{
            mode: change(paired(found), before.modes[mode].accuracy, after.modes[mode].accuracy)
            for mode, found in pairs.items()
        },
        "regret": {"before": before.regret.difference, "after": after.regret.difference},
    }


def change(difference: Paired, before: float, after: float) -> dict[str, Any]:
    interval = difference.interval
    return {
        "before": round(before, 6),
        "after": round(after, 6),
        "difference": round(difference.difference, 6),
        "interval": interval.to_json(),
    }


def test(stack: Stack, options: argparse.Namespace) -> Evaluation:
    """Rows that neither training nor compression nor its guard has seen."""
    say("test rows")
    return stack.evaluate(per_class=options.test_rows, data_dir=options.data_dir)


def table(found: Compressions) -> str:
    """Markdown: what was done, and the boundary of what can go."""
    lines = ["# Compression, on test rows"]
    for one in (outcomes(found.seeds), boundary(found.seeds)):
        lines += ["", f"## {one.title}", "", to_markdown(one), "", one.note]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    raise SystemExit(main())
