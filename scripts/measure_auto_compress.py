"""A stream of tasks with frames merged as they come, side by side with the same stream without.

    python scripts/measure_auto_compress.py --data-dir DATA --store frames [--preset hard12] [--orders 1,2]

For each random order two stacks are trained, one with ``--auto-compress``. After every task: frames, bytes
of adapters, and the accuracy on test rows of all tasks so far, with the task given and routed. One JSON file
for each order. What was measured after each task is kept beside the store, so an interrupted run goes on.
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

from measuring import ROOT, command, say

from skillstack.continual.cell import TaskOrder
from skillstack.data.presets import load_preset
from skillstack.evaluation.statistics import paired
from skillstack.reports.provenance import versions
from skillstack.stack import Stack
from skillstack.training.options import MergeOptions, RunOptions
from skillstack.training.progress import Event, FamilySettled, FrameDone
from skillstack.training.recipe import Recipe

KINDS = ("merged", "plain")


def parser_of() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--preset", default="hard12")
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--store", type=Path, default=Path("frames"))
    parser.add_argument("--orders", default="1,2", help="numbers of random orders")
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--streams", default=",".join(KINDS), help="which to train; a file takes both")
    parser.add_argument("--output", type=Path, default=ROOT / "results" / "auto_compress")
    return parser


def main() -> int:
    options = parser_of().parse_args()
    folder = options.output / f"{options.preset}-minilm"
    folder.mkdir(parents=True, exist_ok=True)
    for number in options.orders.split(","):
        path = folder / f"order-{number}.json"
        if path.is_file():
            continue
        names = TaskOrder(f"random-{number}").of(load_preset(options.preset).task_names)
        stack = f"{options.preset}-{number}"
        streams = {
            kind: stream(f"{stack}-{kind}", names, kind == "merged", options)
            for kind in KINDS
            if kind in options.streams.split(",")
        }
        if set(streams) == set(KINDS):
            path.write_text(json.dumps(measured(number, names, streams, options), indent=1) + "\n")
    return 0


def measured(
    number: str, names: tuple[str, ...], streams: dict[str, list[dict[str, Any]]], options: argparse.Namespace
) -> dict[str, Any]:
    """Both streams, and how far apart they are in the end."""
    stacks = {kind: Stack.open(options.store, f"{options.preset}-{number}-{kind}") for kind in KINDS}
    merged, plain = (stacks[kind].evaluate(data_dir=options.data_dir) for kind in KINDS)
    pairs = {
        mode: paired(
            [
                (
                    next(two for two in merged.tasks if two.skill == one.skill).answers[mode].right,
                    one.answers[mode].right,
                )
                for one in plain.tasks
            ]
        )
        for mode in ("task_aware", "routed")
    }
    return {
        "schema": 1,
        "command": command(parser_of(), options, orders=number, streams=",".join(KINDS)),
        "preset": options.preset,
        "order": list(names),
        "seed": options.seed,
        "base": plain.base,
        "base_weights": stacks["plain"].frames()[0].content.base.weights,
        "versions": versions(),
        "streams": streams,
        "difference": {
            mode: {
                "points": round(100 * found.difference, 4),
                "interval": [round(100 * found.interval.low, 4), round(100 * found.interval.high, 4)],
            }
            for mode, found in pairs.items()
        },
    }


def stream(
    name: str, tasks: tuple[str, ...], merging: bool, options: argparse.Namespace
) -> list[dict[str, Any]]:
    """Train one task after another; what the stack is after each."""
    kept = options.store.with_name(f"{options.store.name}-measured") / f"{name}.json"
    kept.parent.mkdir(parents=True, exist_ok=True)
    steps: list[dict[str, Any]] = json.loads(kept.read_text()) if kept.is_file() else []
    for end in range(len(steps) + 1, len(tasks) + 1):
        settled: list[FamilySettled] = []
        began = time.perf_counter()

        def hear(event: Event, settled: list[FamilySettled] = settled) -> None:
            if isinstance(event, FamilySettled):
                settled.append(event)
            if isinstance(event, (FrameDone, FamilySettled)):
                say(f"{name}: {event}")

        stack = Stack.open(options.store, name, create=True)
        stack.train(
            tasks=tasks[:end],
            data_dir=options.data_dir,
            recipe=Recipe(seed=options.seed),
            run=RunOptions(merging=MergeOptions() if merging else None, on_event=hear),
        )
        seconds = time.perf_counter() - began
        found = stack.evaluate(data_dir=options.data_dir)
        steps.append(
            {
                "task": tasks[end - 1],
                "frames": len(stack.frames()),
                "bytes": sum(frame.adapter_bytes for frame in stack.frames()),
                "task_aware": round(found.modes["task_aware"].accuracy, 6),
                "routed": round(found.modes["routed"].accuracy, 6) if "routed" in found.modes else None,
                "settled": [{"merged": one.merged, "frames": one.frames, "why": one.why} for one in settled],
                "seconds": round(seconds, 1),
            }
        )
        kept.write_text(json.dumps(steps))
    return steps


if __name__ == "__main__":
    raise SystemExit(main())
