"""The only place that prints. Answers go to standard output; progress, notes and errors to standard error."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
from collections.abc import Mapping
from typing import Any, TextIO

from skillstack.wording import clean

SCHEMA = 1


def out(text: str = "") -> None:
    """A line, or several, of an answer."""
    print(clean(text))


def note(text: str) -> None:
    """A message that is no part of the answer."""
    if sys.stderr is not None:
        with contextlib.suppress(OSError):  # whoever writes answers will hear of it
            flush()
        print(clean(text), file=sys.stderr, flush=True)


def failure(message: str, hint: str) -> None:
    """What is wrong, and what to do."""
    note(f"error: {message}" + (f"\n{hint}" if hint else ""))


def traceback() -> None:
    """The traceback of the exception that is being handled."""
    import traceback as module

    note(module.format_exc().rstrip())


def document(value: Mapping[str, Any]) -> None:
    """An answer as one JSON document."""
    print(to_json(value, indent=2))


def line(value: Mapping[str, Any]) -> None:
    """An answer as one line of JSON."""
    print(to_json(value))


def to_json(value: Mapping[str, Any], indent: int | None = None) -> str:
    """JSON with its schema, in ASCII: any encoding carries it, and no terminal acts on it."""
    return json.dumps({"schema": SCHEMA, **value}, indent=indent, allow_nan=False).replace("\x7f", "\\u007f")


def flush() -> None:
    """Have everything written; raises what the system answers."""
    if sys.stdout is not None:
        sys.stdout.flush()


def abandon() -> None:
    """Nobody reads the output any more: let Python's last flush go nowhere instead of complaining."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())


def tolerate_encodings() -> None:
    """A character that the terminal cannot show becomes an escape, not a crash."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def can_show(text: str, stream: TextIO | None = None) -> bool:
    """Whether standard output's encoding has these characters."""
    try:
        text.encode(getattr(stream or sys.stdout, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def width() -> int:
    """Columns of the terminal; 80 where there is none, and 120 at most, for the eye's sake."""
    return min(shutil.get_terminal_size((80, 24)).columns, 120) if _is_terminal(sys.stdout) else 80


def shows_progress() -> bool:
    """Whether a moving display fits: standard error is a terminal and nothing asks for plain output."""
    # Notebooks give their commands a terminal, but the cell below does not move its cursor up.
    plain = any(os.environ.get(name) for name in ("CI", "JPY_PARENT_PID"))
    return not plain and os.environ.get("TERM") != "dumb" and _is_terminal(sys.stderr)


def _is_terminal(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # closed
        return False
