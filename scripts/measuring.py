"""What the scripts that measure over hours share."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from skillstack.reports.provenance import command_line


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
