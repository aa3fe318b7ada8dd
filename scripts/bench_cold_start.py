"""How long a command takes from a cold process, against `python -c "import numpy"`, run in turn.

python scripts/bench_cold_start.py [--runs 15] [--output FILE]

Processor seconds are compared, which other busy programs disturb less than the clock.
"""

from __future__ import annotations

import sys

from measuring import ROOT, Times, median, parser_of, times_of, write_result

COMMANDS = {
    "numpy": ["-c", "import numpy"],
    "--help": ["-m", "skillstack", "--help"],
    "route": ["-m", "skillstack", "route", "please block my card", "--store", str(ROOT / "frames"),
              "--stack", "reference"],
}  # fmt: skip
TARGETS = {"--help": 2.5, "route": 5.0}


def main() -> int:
    parser = parser_of(__doc__)
    parser.add_argument("--runs", type=int, default=15)
    options = parser.parse_args()
    times: dict[str, list[Times]] = {name: [] for name in COMMANDS}
    for number in range(options.runs + 1):
        for name, arguments in COMMANDS.items():
            measured = times_of(arguments, OPENBLAS_NUM_THREADS="1")
            if number:  # the first round fills the disk cache
                times[name].append(measured)
    middle = {name: median(runs) for name, runs in times.items()}
    result = {
        "runs": options.runs,
        "processor_seconds": {name: round(found.processor, 4) for name, found in middle.items()},
        "wall_seconds": {name: round(found.wall, 4) for name, found in middle.items()},
        "ratio": {name: round(middle[name].processor / middle["numpy"].processor, 2) for name in TARGETS},
        "wall_ratio": {name: round(middle[name].wall / middle["numpy"].wall, 2) for name in TARGETS},
        "targets": TARGETS,
    }
    write_result(result, options.output)
    return 0 if all(result["ratio"][name] <= limit for name, limit in TARGETS.items()) else 1


if __name__ == "__main__":
    sys.exit(main())
