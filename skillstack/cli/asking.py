"""What route and predict have in common: their options, and what is asked."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click

from skillstack.cli import render
from skillstack.cli.gathering import Decorator, gathering
from skillstack.errors import UsageError
from skillstack.store.rows import Row, check_row

if TYPE_CHECKING:
    from skillstack.cli.batch import Answer
    from skillstack.data.tables import Cell

A = TypeVar("A", bound="Answer")
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


def threshold_option() -> Decorator:
    """``--threshold``; None for the calibrated one."""
    return click.option(
        "--threshold",
        callback=_threshold,
        default="auto",
        show_default=True,
        metavar="X",
        help="Score above which hybrid_chain accepts a frame, unless another frame scores clearly higher.",
    )


def router_option() -> Decorator:
    """``--router``."""
    return click.option(
        "--router",
        default="hybrid_chain",
        show_default=True,
        metavar="NAME",
        help="hybrid_chain or hybrid_svm.",
    )


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
    router_option(),
    threshold_option(),
    click.option(
        "--depth", type=click.IntRange(min=1), metavar="N", help="Frames that hybrid_chain looks at."
    ),
)


@dataclass(frozen=True)
class Asking:
    """The values of the options that route and predict share.

    :ivar source: a table, a file of JSON lines or ``-``; None for a single text.
    :ivar threshold: None for the calibrated one.
    """

    text: str | None
    text_pair: str | None
    source: str | None
    output: str | None
    text_column: str | None
    pair_column: str | None
    strict: bool
    router: str
    threshold: float | None
    depth: int | None

    @property
    def routing(self) -> dict[str, Any]:
        """What the router is asked with."""
        return {"router": self.router, "threshold": self.threshold, "depth": self.depth}

    @property
    def row(self) -> Row | None:
        """The single row that is asked, or None where a source of rows is.

        :raises UsageError: if there is no text, or options that exclude each other.
        :raises InputError: if the text cannot be used.
        """
        if self.source is not None:
            if self.text is not None or self.text_pair is not None:
                raise UsageError("There is a text and an --input.", "Give one of the two.")
            return None
        for name in ("output", "text_column", "pair_column", "strict"):
            if getattr(self, name):
                option = f"--{name.replace('_', '-')}"
                raise UsageError(
                    f"{option} belongs to --input.", "Name a table or JSON lines with --input FILE."
                )
        if self.text is None:
            piped = sys.stdin is not None and not sys.stdin.isatty()
            raise UsageError(
                "There is no text" + (", and standard input is read only with --input -." if piped else "."),
                _EXAMPLE,
            )
        return check_row(self.text, self.text_pair)

    def check(self) -> None:
        """Refuse at once what cannot be meant, before anything large is loaded; raises as `row`."""
        self.row  # noqa: B018 - looked at for what it raises
        if self.output is not None:
            from skillstack.cli.sink import check_output

            check_output(self.output)

    def answer(
        self,
        answers: Callable[[list[Row]], Sequence[A]],
        words: Callable[[A], Sequence[str]],
        line: Callable[[Row, A], str],
        cells: Callable[[A], Mapping[str, Cell]],
        added: Mapping[str, type],
        *,
        as_json: bool,
    ) -> int:
        """Answer the text, or every row of the source; returns the exit status.

        :param words: a single answer for people.
        :param line: one of many for people.
        :param cells: one of many for a table.
        :param added: the columns that the cells stand in, and of which type they are.
        """
        row = self.row
        if row is not None:
            (found,) = answers([row])
            if as_json:
                render.line(found.to_json())
            else:
                render.out("\n".join(words(found)))
            return 0
        from skillstack.cli.batch import answer_batch

        return answer_batch(
            answers,
            line,
            cells,
            added,
            source=self.source or "-",
            output=self.output,
            strict=self.strict,
            as_json=as_json,
            text_column=self.text_column,
            pair_column=self.pair_column,
        )


#: Adds the options that route and predict share; the command gets them as ``asked``.
asking = gathering(Asking, "asked", _OPTIONS)
