"""How long `learn` takes, from the start of the process to a frame that is routed to.

    python scripts/bench_learn.py [--rows 1000] [--classes 5] [--runs 2] [--output FILE]

A table of starter texts is learned on top of a copy of the reference stack, so that the router is fitted anew
for nine skills; once with an adapter and once with a head alone. For a measure of the machine, a process that
only imports torch, transformers and peft is timed in turn. Targets on two free cores: 60 seconds, and 15 for
the head alone.
"""

from __future__ import annotations

import csv
import random
import statistics
import sys
import tempfile
from pathlib import Path

from measuring import Times, median, parser_of, times_of, write_result

from skillstack.data.sources import StarterSource

TARGETS = {"learn": 60.0, "learn --method frozen-linear": 15.0}


def main() -> int:
    parser = parser_of(__doc__)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--classes", type=int, default=5)
    parser.add_argument("--runs", type=int, default=2)
    options = parser.parse_args()
    times: dict[str, list[Times]] = {}
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
                times.setdefault(name, []).append(
                    times_of(arguments, folder / name, OMP_WAIT_POLICY="PASSIVE")
                )
    middle = {name: median(runs) for name, runs in times.items()}
    result = {
        "rows": options.rows,
        "classes": options.classes,
        "mean_characters": round(characters),
        "runs": options.runs,
        "seconds": {name: round(found.wall, 1) for name, found in middle.items()},
        "processor_seconds": {name: round(found.processor, 1) for name, found in middle.items()},
        "times_the_imports": {name: round(middle[name].wall / middle["imports"].wall, 1) for name in TARGETS},
        "targets_in_seconds": TARGETS,
    }
    write_result(result, options.output)
    return 0 if all(middle[name].wall <= limit for name, limit in TARGETS.items()) else 1


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


if __name__ == "__main__":
    sys.exit(main())
