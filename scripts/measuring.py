"""What the scripts that measure over hours share."""

from __future__ import annotations

import argparse
import sys
import time


def say(words: str) -> None:
    """Tell what is under way."""
    print(f"{time.strftime('%H:%M:%S')} {words}", file=sys.stderr, flush=True)


def command(parser: argparse.ArgumentParser, options: argparse.Namespace, **only: object) -> str:
    """The command line that measures one part again.

    :param only: options whose value is that of the part. Of folders it is said only that there is one.
    """
    words = ["python", f"scripts/{parser.prog}"]
    for name, value in {**vars(options), **only}.items():
        if name == "output" or value == parser.get_default(name):
            continue
        flag = f"--{name.replace('_', '-')}"
        if name in ("data_dir", "store"):
            words += [flag, "DATA" if name == "data_dir" else "frames"]
        else:
            words += [flag, str(value)]
    return " ".join(words)
