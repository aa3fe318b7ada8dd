"""Answering a file or stream of rows, chunk by chunk, in its order."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, cast

from skillstack.cli import render
from skillstack.cli.cells import ERROR
from skillstack.cli.inputs import Rows, is_table, open_cells, open_lines
from skillstack.cli.lines import BadRow, Line
from skillstack.cli.progress import byte_progress
from skillstack.cli.sink import Sink, open_cell_sink, open_sink
from skillstack.data.tables import Cell
from skillstack.errors import InputError
from skillstack.store.rows import Row
from skillstack.wording import many


class Answer(Protocol):
    """What has a JSON form."""

    def to_json(self) -> dict[str, Any]:
        """The answer as JSON holds it."""


A = TypeVar("A", bound=Answer)


def answer_batch(
    answer: Callable[[list[Row]], Sequence[A]],
    words: Callable[[Row, A], str],
    cells: Callable[[A], Mapping[str, Cell]],
    added: Mapping[str, type],
    *,
    source: str,
    output: str | None,
    strict: bool,
    as_json: bool,
    text_column: str | None = None,
    pair_column: str | None = None,
) -> int:
    """Answer every row; returns the exit status.

    JSON lines are answered by JSON lines. Where the source or the output is a table, the output file has all
    columns of the source and the answer's cells beside them.

    :param answer: one answer per row; raises InputError if one of the rows cannot be answered.
    :param words: an answer on one line, for people.
    :param cells: an answer by column.
    :param added: names and types of these columns, that of errors among them.
    :param source: a table, a file of JSON lines, or ``-`` for JSON lines from standard input.
    :param text_column: the column or field that holds the texts; likewise ``pair_column``, second texts.
    :raises UsageError: if the text column of a table is not clear.
    :raises InputError: if the source cannot be read, or with ``strict`` at the first bad row.
    """
    tally = _Tally(strict)
    opener = open_cells if is_table(source) or is_table(output) else open_lines
    with opener(source, text_column, pair_column) as rows:
        if output is None or output == "-" or not rows.columns:
            visible = output in (None, "-") and sys.stdout is not None and sys.stdout.isatty()
            wanted = not visible and source != "-"
            _to_lines(rows, answer, words, tally, output=output, as_json=as_json, progress=wanted)
        else:
            _to_table(rows, answer, cells, added, tally, output=output)
    if tally.bad:
        render.note(f"error: {many(tally.bad, 'row')} of {tally.rows:,} could not be answered.")
    if output not in (None, "-"):
        render.note(f"{many(tally.good, 'answer')} in {output}")
    elif not tally.rows:
        render.note(f"There are no rows in {source}.")
    return 3 if tally.bad else 0


@dataclass
class _Tally:
    """How many rows were answered."""

    strict: bool
    good: int = 0
    bad: int = 0

    @property
    def rows(self) -> int:
        return self.good + self.bad

    def count(self, line: Line, answered: object) -> None:
        if not isinstance(answered, BadRow):
            self.good += 1
            return
        self.bad += 1
        if self.strict:
            raise InputError(f"Row {line.number}: {answered.error}", "Mend it, or leave out --strict.")


def _to_lines(
    rows: Rows,
    answer: Callable[[list[Row]], Sequence[A]],
    words: Callable[[Row, A], str],
    tally: _Tally,
    *,
    output: str | None,
    as_json: bool,
    progress: bool,
) -> None:
    with (
        open_sink(output, as_json=as_json) as sink,
        byte_progress(rows.stream, wanted=progress) as advance,
    ):
        for chunk in rows.chunks:
            for line, answered in _answered(chunk.lines, answer):
                tally.count(line, answered)
                _put(sink, line, answered, words)
            render.flush()
            advance(len(chunk.lines))


def _to_table(
    rows: Rows,
    answer: Callable[[list[Row]], Sequence[A]],
    cells: Callable[[A], Mapping[str, Cell]],
    added: Mapping[str, type],
    tally: _Tally,
    *,
    output: str,
) -> None:
    with (
        open_cell_sink(output, rows.columns, added) as sink,
        byte_progress(rows.stream, wanted=True) as advance,
    ):
        for chunk in rows.chunks:
            beside: list[Mapping[str, Cell]] = []
            for line, answered in _answered(chunk.lines, answer):
                tally.count(line, answered)
                beside.append({ERROR: answered.error} if isinstance(answered, BadRow) else cells(answered))
            if chunk.batch is not None:
                sink(chunk.batch, beside)
            advance(len(chunk.lines))


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
