"""Answering a file or stream of rows, chunk by chunk, in its order."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Protocol, TypeVar, cast

from skillstack.cli import render
from skillstack.cli.lines import BadRow, Line, read_chunks
from skillstack.cli.progress import byte_progress
from skillstack.cli.sink import Sink, open_sink
from skillstack.cli.words import many
from skillstack.errors import InputError
from skillstack.frames.rows import Row

#: Rows that are answered together at most. Enough for full speed; few enough that an answer comes soon.
CHUNK = 1024


class Answer(Protocol):
    """What has a JSON form."""

    def to_json(self) -> dict[str, Any]:
        """The answer as JSON holds it."""


A = TypeVar("A", bound=Answer)


def answer_batch(
    answer: Callable[[list[Row]], Sequence[A]],
    words: Callable[[Row, A], str],
    *,
    source: str,
    output: str | None,
    strict: bool,
    as_json: bool,
) -> int:
    """Answer every row; returns the exit status.

    :param answer: one answer per row; raises InputError if one of the rows cannot be answered.
    :param words: an answer on one line, for people.
    :param source: a file of JSON lines, or ``-``.
    :raises InputError: if the source cannot be read, or with ``strict`` at the first bad row.
    """
    good = bad = 0
    with _open(source) as stream, open_sink(output, as_json=as_json) as sink:
        visible = output in (None, "-") and sys.stdout is not None and sys.stdout.isatty()
        with byte_progress(stream, wanted=not visible and source != "-") as advance:
            for chunk in read_chunks(stream, CHUNK):
                for line, answered in _answered(chunk, answer):
                    if isinstance(answered, BadRow):
                        bad += 1
                        if strict:
                            raise InputError(
                                f"Row {line.number}: {answered.error}", "Mend it, or leave out --strict."
                            )
                    else:
                        good += 1
                    _put(sink, line, answered, words)
                render.flush()
                advance(len(chunk))
    if bad:
        render.note(f"error: {many(bad, 'row')} of {good + bad:,} could not be answered.")
    if output not in (None, "-"):
        render.note(f"{many(good, 'answer')} in {output}")
    elif not good and not bad:
        render.note(f"There are no rows in {source}.")
    return 3 if bad else 0


def _put(sink: Sink, line: Line, answered: A | BadRow, words: Callable[[Row, A], str]) -> None:
    if isinstance(answered, BadRow):
        error = answered.error
        sink({"row": line.number, "error": error}, lambda: f"{line.number:>6}  error: {error}")
    else:
        row = cast(Row, line.row)
        value = {"row": line.number, **answered.to_json()}
        sink(value, lambda: f"{line.number:>6}  {words(row, answered)}")


def _answered(
    chunk: list[Line], answer: Callable[[list[Row]], Sequence[A]]
) -> Iterator[tuple[Line, A | BadRow]]:
    rows = [line.row for line in chunk if isinstance(line.row, Row)]
    answers = iter(_each(rows, answer))
    for line in chunk:
        yield line, line.row if isinstance(line.row, BadRow) else next(answers)


def _each(rows: list[Row], answer: Callable[[list[Row]], Sequence[A]]) -> Sequence[A | BadRow]:
    """All at once; where one spoils it, each half alone, until it is found."""
    try:
        return answer(rows) if rows else []
    except InputError as error:
        if len(rows) == 1:
            return [BadRow(error.message)]
        half = len(rows) // 2
        return [*_each(rows[:half], answer), *_each(rows[half:], answer)]


@contextlib.contextmanager
def _open(source: str) -> Iterator[BinaryIO]:
    if source == "-":
        if sys.stdin is None:
            raise InputError("There is no standard input.", "Name a file with --input.")
        if sys.stdin.isatty():
            render.note('Type rows such as {"text": "..."}, one a line; end with Ctrl-D (Windows: Ctrl-Z).')
        yield cast(BinaryIO, sys.stdin.buffer)
        return
    try:
        stream = Path(source).open("rb")  # noqa: SIM115 (closed below; only opening is explained here)
    except OSError as error:
        raise InputError(
            f"Cannot read {source}: {error.strerror or error}.", "Name a file of JSON lines, or - for a pipe."
        ) from None
    with stream:
        yield stream
