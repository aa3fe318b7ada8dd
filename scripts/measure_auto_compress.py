"""A stream of tasks with frames merged as they come, side by side with the same stream without.

    python scripts/measure_auto_compress.py --data-dir DATA --store frames [--preset hard12] [--orders 1,2]

For each random order two stacks are trained, one with ``--auto-compress``. After every task: frames, bytes
of adapters, and the accuracy on test rows of all tasks so far, with the task given and routed. One JSON file
for each order.
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

from measuring import command, say

from skillstack import Stack
from skillstack.bench.orders import Order
from skillstack.evaluation.paired import paired
from skillstack.evaluation.result import Evaluation
from skillstack.reports.provenance import versions
from skillstack.tasks.presets import load_preset
from skillstack.training.events import Event, FamilySettled, FrameDone

ROOT = Path(__file__).resolve().parents[1]


def parser_of() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--preset", default="hard12")
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--store", type=Path, default=Path("frames"))
    parser.add_argument("--orders", default="1,2", help="numbers of random orders")
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--output", type=Path, default=ROOT / "results" / "auto_compress")
    return parser


def main() -> int:
    options = parser_of().parse_args()
    folder = options.output / f"{options.preset}-minilm"
    folder.mkdir(parents=True, exist_ok=True)
    for number in options.orders.split(","):
        path = folder / f"order-{number}.json"
        if not path.is_file():
            path.write_text(json.dumps(measure(int(number), options), indent=1) + "\n")
    return 0


def measure(number: int, options: argparse.Namespace) -> dict[str, Any]:
    names = Order(f"random-{number}").of(load_preset(options.preset).task_names)
    streams, last = {}, {}
    stack = f"{options.preset}-{number}"
    for kind in ("merged", "plain"):
        streams[kind], last[kind] = stream(f"{stack}-{kind}", names, kind == "merged", options)
    merged, plain = last["merged"], last["plain"]
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
        "command": command(parser_of(), options, preset=options.preset, orders=number),
        "preset": options.preset,
        "order": list(names),
        "seed": options.seed,
        "base": plain.base,
        "base_weights": Stack.open(options.store, f"{stack}-plain").frames()[0].content.base.weights,
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
) -> tuple[list[dict[str, Any]], Evaluation]:
    """Train one task after another; what the stack is after each."""
    steps: list[dict[str, Any]] = []
    found: Evaluation | None = None
    for end in range(1, len(tasks) + 1):
        settled: list[FamilySettled] = []
        began = time.perf_counter()

        def hear(event: Event, settled: list[FamilySettled] = settled) -> None:
            if isinstance(event, FamilySettled):
                settled.append(event)
            if isinstance(event, (FrameDone, FamilySettled)):
                say(f"{name}: {event}")

        Stack.train(
            tasks=tasks[:end],
            store=options.store,
            stack=name,
            data_dir=options.data_dir,
            recipe={"seed": options.seed},
            auto_compress=merging,
            on_event=hear,
        )
        seconds = time.perf_counter() - began
        stack = Stack.open(options.store, name)
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
    assert found is not None
    return steps, found


if __name__ == "__main__":
    raise SystemExit(main())
