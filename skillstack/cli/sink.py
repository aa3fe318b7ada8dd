"""Where the answers to a batch go: standard output, or a file that appears when it is whole."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TextIO

from skillstack.cli import render
from skillstack.frames.atomic import TEMPORARY

#: Takes an answer as JSON, and how to say it to people.
Sink = Callable[[Mapping[str, Any], Callable[[], str]], None]


@contextlib.contextmanager
def open_sink(output: str | None, *, as_json: bool) -> Iterator[Sink]:
    """Where to put answers. A file gets JSON lines; if the command fails, an old one stays as it was."""
    if output is None or output == "-":
        yield _to_lines if as_json else _to_people
        return
    path = Path(output)
    special = path.exists() and not path.is_file()  # a device or a named pipe
    temporary = path if special else path.with_name(f"{TEMPORARY}{os.getpid()}-{path.name}")
    try:
        with temporary.open("w", encoding="utf-8", newline="\n") as file:
            yield lambda value, _: _write(file, value)
        if not special:
            temporary.replace(path)
    finally:
        if not special:
            temporary.unlink(missing_ok=True)


def _to_lines(value: Mapping[str, Any], _: Callable[[], str]) -> None:
    render.line(value)


def _to_people(_: Mapping[str, Any], words: Callable[[], str]) -> None:
    render.out(words())


def _write(file: TextIO, value: Mapping[str, Any]) -> None:
    file.write(f"{render.to_json(value)}\n")
