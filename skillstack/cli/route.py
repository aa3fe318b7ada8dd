"""``skillstack route``: which skill would answer a text; `predict` shares how texts are asked."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from skillstack.cli import console
from skillstack.cli.command import Invocation, command
from skillstack.cli.console import pairs, short, shorten, width
from skillstack.cli.group import PROGRAM
from skillstack.cli.options import depth_option, encoding_option, gathering, router_option, threshold_option
from skillstack.errors import UsageError
from skillstack.store.rows import Row, check_row
from skillstack.wording import clean, clean_line, percent

if TYPE_CHECKING:
    from skillstack.cli.batch import A, Form
    from skillstack.results import Route
    from skillstack.routers.registry import Routing

#: How many of the next candidates are named.
NEXT = 3
_EXAMPLE = "Give it as an argument, or name a table or JSON lines with --input FILE (- reads a pipe)."
#: Options that make sense for rows of a file only.
_OF_INPUT = ("output", "text_column", "pair_column", "encoding", "strict")


@dataclass(frozen=True)
class Asking:
    """What route and predict are asked: a single text, or rows of a file.

    :ivar source: a table, a file of JSON lines or ``-``; None for a single text.
    :ivar threshold: None for the calibrated one.
    """

    text: str | None
    text_pair: str | None
    source: str | None
    output: str | None
    text_column: str | None
    pair_column: str | None
    encoding: str | None
    strict: bool
    router: str
    threshold: float | None
    depth: int | None

    @property
    def routing(self) -> Routing:
        """The router's options."""
        return {"router": self.router, "threshold": self.threshold, "depth": self.depth}

    def check(self) -> Row | None:
        """The single row that is asked, or None where rows of a file are; before anything large is loaded.

        :raises UsageError: if there is no text, options that exclude each other, or an impossible output.
        :raises InputError: if the text cannot be used.
        """
        if self.source is not None:
            if self.text is not None or self.text_pair is not None:
                raise UsageError("Both a text and --input are given.", "Give one of the two.")
            if self.output is not None:
                from skillstack.cli.batch import check_output

                check_output(self.output)
            return None
        for name in _OF_INPUT:
            if getattr(self, name):
                option = f"--{name.replace('_', '-')}"
                raise UsageError(f"{option} needs --input.", "Name a table or JSON lines with --input FILE.")
        if self.text is None:
            piped = sys.stdin is not None and not sys.stdin.isatty()
            more = ", and standard input is read only with --input -." if piped else "."
            raise UsageError(f"There is no text{more}", _EXAMPLE)
        if os.path.isfile(self.text):  # noqa: PTH113 (a text may be no path at all, which this takes)
            file = console.quoted([PROGRAM, str(click.get_current_context().info_name), "--input", self.text])
            raise UsageError(f"{self.text[:80]!r} is a file, not a text.", f"`{file}` answers its rows.")
        return check_row(self.text, self.text_pair)

    def answer(
        self,
        row: Row | None,
        answers: Callable[[list[Row]], Sequence[A]],
        words: Callable[[A], Sequence[str]],
        form: Callable[[], Form[A]],
        *,
        as_json: bool,
    ) -> int:
        """Answer this row, or every row of the source; returns the exit status.

        :param words: of a single answer.
        :param form: of answers in a list; made for rows of a file alone, as it loads the readers of tables.
        """
        if row is not None:
            (found,) = answers([row])
            if as_json:
                console.line(found.to_json())
            else:
                console.out("\n".join(words(found)))
            return 0
        from skillstack.cli.batch import answer_batch

        return answer_batch(
            answers,
            form(),
            source=self.source or "-",
            output=self.output,
            strict=self.strict,
            as_json=as_json,
            text_column=self.text_column,
            pair_column=self.pair_column,
            encoding=self.encoding,
        )


#: Adds the options that route and predict share; the command gets them as ``asked``.
asking = gathering(
    Asking, "asked",
    click.argument("text", required=False),
    click.option("--text-pair", metavar="TEXT", help="Second text, for tasks on pairs of texts."),
    click.option(
        "--input", "source", metavar="FILE",
        help='CSV, TSV, Parquet, JSON lines {"text": ..., "text_pair": ...}, texts; - reads a pipe.',
    ),
    click.option(
        "--output", metavar="FILE",
        help="File for the answers. A table gets the columns of the input, and the answers beside them.",
    ),
    click.option("--text-column", metavar="NAME", help="Column or field with the texts.  [default: text]"),
    click.option("--pair-column", metavar="NAME", help="Column or field with the second texts."),
    encoding_option,
    click.option("--strict", is_flag=True, help="Stop at the first row that cannot be answered."),
    router_option,
    threshold_option,
    depth_option,
)  # fmt: skip


@command(
    'skillstack route "please block my card"',
    'skillstack route "It never arrived." --text-pair "Was it delivered?"',
    "skillstack route --input texts.jsonl --json > routes.jsonl",
    "skillstack route --input tickets.csv --text-column body --output routed.csv",
    "cat texts.jsonl | skillstack route --input - --router hybrid_svm",
)
@asking
def route(call: Invocation, asked: Asking) -> int:
    """Show which skill would answer a text, without loading a model.

    With --input, each row gets an answer; "row" is its line number, or its number in the table. A row that
    cannot be answered gives {"row": ..., "error": ...} and, at the end, exit status 3.
    """
    row = asked.check()
    opened = call.open()

    def answers(rows: list[Row]) -> Sequence[Route]:
        return opened.route(rows, **asked.routing)

    def form() -> Form[Route]:
        from skillstack.cli.batch import ROUTE, Form, route_cells

        return Form(route_line, route_cells, ROUTE)

    return asked.answer(row, answers, route_words, form, as_json=call.as_json)


def route_words(routed: Route) -> list[str]:
    """A route in full."""
    title = "rejected: no skill fits" if routed.task is None else f"{routed.task} ({routed.family})"
    return [clean_line(title), *pairs(route_details(routed))]


def route_line(text: str, routed: Route) -> str:
    """A route in a list of many."""
    return with_text(f"{percent(routed.confidence):>7}  {routed.task or 'rejected':<16}", text)


def with_text(head: str, text: str) -> str:
    """An answer in a list of many, with as much of the text as the line has room for."""
    return f"{clean(head)}  {shorten(text, max(width() - len(head) - 11, 12))}"


def route_details(routed: Route) -> list[tuple[str, str]]:
    """How sure a route is, and how it was found."""
    details = []
    if routed.frame is not None:
        details.append(("frame", f"{routed.frame} {short(routed.frame_id)}"))
    if routed.router == "none":  # the frame was named
        return details
    confidence = f"{percent(routed.confidence)}, score {routed.score:.3f}"
    calibrated = "" if routed.calibrated else " (not calibrated)"
    details += [("confidence", confidence + calibrated), ("how", f"{_how(routed)}, by {routed.router}")]
    others = [r for r in routed.ranking if r.task != routed.task][:NEXT]
    if others:
        details.append(("next", ", ".join(f"{r.task} {r.score:.3f}" for r in others)))
    return details


def _how(routed: Route) -> str:
    if routed.fallback:
        return f"none accepted of {routed.depth} checked, so the best of all"
    if not routed.accepted:
        return "the best score is below the threshold"
    if routed.router == "hybrid_chain":
        return f"accepted at depth {routed.depth}"
    return "the best score"
