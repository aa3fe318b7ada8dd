"""Moving displays on standard error, where a terminal can show them."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable, Iterator
from typing import BinaryIO

from skillstack.cli import render


@contextlib.contextmanager
def byte_progress(stream: BinaryIO, *, wanted: bool) -> Iterator[Callable[[int], None]]:
    """Show how much of a file was read, with rate and remaining time. Yields what takes a number of rows."""
    if not wanted or not render.shows_progress() or not _is_file(stream):
        yield lambda rows: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    total = os.fstat(stream.fileno()).st_size
    with Progress(
        TextColumn("{task.fields[rows]:,} rows"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rate]:,.0f} rows/s,"),
        TimeRemainingColumn(),
        TextColumn("left"),
        console=Console(stderr=True),
        transient=True,
    ) as progress:
        task = progress.add_task("", total=total, rows=0, rate=0.0)
        done = 0

        def advance(rows: int) -> None:
            nonlocal done
            done += rows
            elapsed = progress.tasks[0].elapsed or 0.0
            progress.update(task, completed=stream.tell(), rows=done, rate=done / elapsed if elapsed else 0.0)

        yield advance


@contextlib.contextmanager
def count_progress(noun: str) -> Iterator[Callable[[int, int], None]]:
    """Show how many of a known number are done, with remaining time. Yields what takes both numbers."""
    if not render.shows_progress():
        yield lambda done, of: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    with Progress(
        MofNCompleteColumn(),
        TextColumn(noun),
        BarColumn(),
        TimeRemainingColumn(),
        TextColumn("left"),
        console=Console(stderr=True),
        transient=True,
    ) as progress:
        task = progress.add_task("", total=None)
        yield lambda done, of: progress.update(task, completed=done, total=of)


def _is_file(stream: BinaryIO) -> bool:
    try:
        return stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
    except (OSError, ValueError):
        return False
