"""What the scripts that measure share: options, times of processes, and where figures go."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skillstack.reports.provenance import command_line

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Times:
    """Seconds that something took, by the clock and of the processor."""

    wall: float
    processor: float


def times_of(arguments: Sequence[str], folder: Path | None = None, **settings: str) -> Times:
    """Times of a Python process.

    :param arguments: of the interpreter.
    :param folder: in which it runs.
    :param settings: environment variables.
    """
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **settings}
    environment.pop("SKILLSTACK_STORE", None)
    before, began = os.times(), time.perf_counter()
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, check=False
    )
    wall, after = time.perf_counter() - began, os.times()
    if done.returncode:
        raise SystemExit(done.stderr.decode())
    user, system = after.children_user - before.children_user, after.children_system - before.children_system
    return Times(wall, user + system)


def median(runs: Sequence[Times]) -> Times:
    """The median of each of the two."""
    return Times(
        statistics.median(run.wall for run in runs), statistics.median(run.processor for run in runs)
    )


def parser_of(description: str | None) -> argparse.ArgumentParser:
    """A parser with the option `--output`.

    :param description: whose first line `--help` shows.
    """
    parser = argparse.ArgumentParser(description=(description or "").split("\n", 1)[0])
    parser.add_argument("--output", type=Path, help="file for the figures")
    return parser


def write_result(result: Mapping[str, Any], output: Path | None) -> None:
    """Print figures as JSON, and write them into a file if one is named."""
    text = json.dumps(result, indent=1)
    print(text)
    if output is not None:
        output.write_text(text + "\n", encoding="utf-8")


def say(words: str) -> None:
    """Tell what is under way."""
    print(f"{time.strftime('%H:%M:%S')} {words}", file=sys.stderr, flush=True)


def command(parser: argparse.ArgumentParser, options: argparse.Namespace, **only: object) -> str:
    """The command line that measures one part again.

    :param only: options whose value is that of the part. Of folders it is said only that there is one, and
        of other paths the last part alone.
    """
    folders = {"data_dir": "DATA", "store": "frames"}
    given = {
        f"--{name.replace('_', '-')}": folders.get(name, _portable(value))
        for name, value in {**vars(options), **only}.items()
        if name != "output" and value != parser.get_default(name)
    }
    return command_line("python", f"scripts/{parser.prog}", options=given)


def _portable(value: object) -> object:
    return Path(value) if isinstance(value, str) and Path(value).is_absolute() else value
