"""What route and predict have in common: their options, and what is asked."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import click

from skillstack.errors import UsageError
from skillstack.frames.rows import Row, check_row

F = TypeVar("F", bound=Callable[..., object])
_EXAMPLE = "Give it as an argument, or name a table or JSON lines with --input FILE (- reads a pipe)."


def _threshold(_: click.Context, __: click.Parameter, value: str) -> float | None:
    if value == "auto":
        return None
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise UsageError(f"The threshold {value[:80]!r} is no number.", "Give a number, or 'auto'.")
    return number


_OPTIONS = (
    click.argument("text", required=False),
    click.option("--text-pair", metavar="TEXT", help="The second text, for tasks on two texts."),
    click.option(
        "--input",
        "source",
        metavar="FILE",
        help='CSV, TSV, Parquet, or JSON lines {"text": ..., "text_pair": ...}; - reads such lines.',
    ),
    click.option(
        "--output",
        metavar="FILE",
        help="Where the answers go; of a table or into one: its columns, and the answers beside them.",
    ),
    click.option(
        "--text-column", metavar="NAME", help="Column or field that holds the texts.  [default: text]"
    ),
    click.option("--pair-column", metavar="NAME", help="Column or field that holds the second texts."),
    click.option("--strict", is_flag=True, help="Stop at the first row that cannot be answered."),
    click.option(
        "--router",
        default="hybrid_chain",
        show_default=True,
        metavar="NAME",
        help="hybrid_chain or hybrid_svm.",
    ),
    click.option(
        "--threshold",
        callback=_threshold,
        default="auto",
        show_default=True,
        metavar="X",
        help="Score at which hybrid_chain accepts a frame.",
    ),
    click.option(
        "--depth", type=click.IntRange(min=1), metavar="N", help="Frames that hybrid_chain looks at."
    ),
)


def asking(function: F) -> F:
    """Add the options that route and predict share."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


@dataclass(frozen=True)
class Question:
    """What a command line asks: one row, or a source of rows.

    :ivar row: the row, or None.
    :ivar source: a table, a file of JSON lines or ``-``, or None.
    """

    row: Row | None
    source: str | None


def question(
    text: str | None,
    text_pair: str | None,
    source: str | None,
    **of_input: object,
) -> Question:
    """What is asked.

    :param of_input: values of the options that belong to --input, by their names.
    :raises UsageError: if there is no text, or options that exclude each other.
    :raises InputError: if the text cannot be used.
    """
    if source is not None:
        if text is not None or text_pair is not None:
            raise UsageError("There is a text and an --input.", "Give one of the two.")
        return Question(None, source)
    for name, value in of_input.items():
        if value:
            option = f"--{name.replace('_', '-')}"
            raise UsageError(f"{option} belongs to --input.", "Name a table or JSON lines with --input FILE.")
    if text is None:
        piped = sys.stdin is not None and not sys.stdin.isatty()
        raise UsageError(
            "There is no text" + (", and standard input is read only with --input -." if piped else "."),
            _EXAMPLE,
        )
    return Question(check_row(text, text_pair), None)
