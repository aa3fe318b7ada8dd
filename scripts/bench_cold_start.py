"""How long a command takes from a cold process, against `python -c "import numpy"`, run in turn.

python scripts/bench_cold_start.py [--runs 15] [--output FILE]

Processor seconds are compared, which other busy programs disturb less than the clock.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COMMANDS = {
    "numpy": ["-c", "import numpy"],
    "--help": ["-m", "skillstack", "--help"],
    "route": ["-m", "skillstack", "route", "please block my card", "--store", str(ROOT / "frames"),
              "--stack", "reference"],
}  # fmt: skip
TARGETS = {"--help": 2.5, "route": 5.0}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in COMMANDS}
    for number in range(options.runs + 1):
        for name, arguments in COMMANDS.items():
            measured = _run(arguments)
            if number:  # the first round fills the disk cache
                times[name].append(measured)
    middle = {
        name: [statistics.median(run[i] for run in runs) for i in (0, 1)] for name, runs in times.items()
    }
    result = {
        "runs": options.runs,
        "processor_seconds": {name: round(values[0], 4) for name, values in middle.items()},
        "wall_seconds": {name: round(values[1], 4) for name, values in middle.items()},
        "ratio": {name: round(middle[name][0] / middle["numpy"][0], 2) for name in TARGETS},
        "wall_ratio": {name: round(middle[name][1] / middle["numpy"][1], 2) for name in TARGETS},
        "targets": TARGETS,
    }
    text = json.dumps(result, indent=1)
    print(text)
    if options.output:
        options.output.write_text(text + "\n", encoding="utf-8")
    return 0 if all(result["ratio"][name] <= limit for name, limit in TARGETS.items()) else 1


def _run(arguments: list[str]) -> tuple[float, float]:
    before, began = os.times(), time.perf_counter()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
    subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, check=True)
    after = os.times()
    used = after.children_user - before.children_user + after.children_system - before.children_system
    return used, time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(main())
