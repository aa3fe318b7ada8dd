"""How long `learn` takes, from the start of the process to a frame that is routed to.

    python scripts/bench_learn.py [--rows 1000] [--classes 5] [--runs 2] [--output FILE]

A table of starter texts is learned on top of a copy of the reference stack, so that the router is fitted anew
for nine skills; once with an adapter and once with a head alone. For a measure of the machine, a process that
only imports torch, transformers and peft is timed in turn. Targets on two free cores: 60 seconds, and 15 for
the head alone.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from skillstack.data.sources import StarterSource

ROOT = Path(__file__).resolve().parents[1]
TARGETS = {"learn": 60.0, "learn --method frozen-linear": 15.0}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--classes", type=int, default=5)
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    times: dict[str, list[tuple[float, float]]] = {}
    for _ in range(options.runs):
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            characters = write_table(folder / "table.csv", options.rows, options.classes)
            steps = {
                "imports": ["-c", "import torch, transformers, peft"],
                "learn": ["-m", "skillstack", "learn", "own", "../table.csv"],
                "learn --method frozen-linear": [
                    *("-m", "skillstack", "learn", "own", "../table.csv", "--method", "frozen-linear"),
                ],
            }
            for name, arguments in steps.items():
                (folder / name).mkdir()
                times.setdefault(name, []).append(run(arguments, folder / name))
    middle = {
        name: [statistics.median(run[i] for run in runs) for i in (0, 1)] for name, runs in times.items()
    }
    result = {
        "rows": options.rows,
        "classes": options.classes,
        "mean_characters": round(characters),
        "runs": options.runs,
        "seconds": {name: round(values[0], 1) for name, values in middle.items()},
        "processor_seconds": {name: round(values[1], 1) for name, values in middle.items()},
        "times_the_imports": {name: round(middle[name][0] / middle["imports"][0], 1) for name in TARGETS},
        "targets_in_seconds": TARGETS,
    }
    text = json.dumps(result, indent=1)
    print(text)
    if options.output:
        options.output.write_text(text + "\n", encoding="utf-8")
    return 0 if all(middle[name][0] <= limit for name, limit in TARGETS.items()) else 1


def write_table(path: Path, rows: int, classes: int) -> float:
    """A table of the starter texts with as many classes; returns their mean length in characters."""
    source = StarterSource()
    chosen: list[tuple[str, str]] = []
    per_class = -(-rows // classes)
    labels: dict[str, list[str]] = {}
    for name in source.names():
        data = source.load(name)
        for example in data.train:
            labels.setdefault(f"{name}: {data.task.labels[example.label]}", []).append(example.row.text)
    large = sorted(label for label, texts in labels.items() if len(set(texts)) >= per_class)
    for label in random.Random(0).sample(large, classes):
        chosen += [(text, label) for text in sorted(set(labels[label]))[:per_class]]
    random.Random(1).shuffle(chosen)
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("body", "queue"), *chosen[:rows]])
    return statistics.mean(len(text) for text, _ in chosen)


def run(arguments: list[str], folder: Path) -> tuple[float, float]:
    """Seconds and processor seconds of a process."""
    before, began = os.times(), time.perf_counter()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_WAIT_POLICY": "PASSIVE"}
    environment.pop("SKILLSTACK_STORE", None)
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, check=False
    )
    if done.returncode:
        raise SystemExit(done.stderr.decode())
    seconds, after = time.perf_counter() - began, os.times()
    return (
        seconds,
        after.children_user - before.children_user + after.children_system - before.children_system,
    )


if __name__ == "__main__":
    sys.exit(main())
