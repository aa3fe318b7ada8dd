"""Rows in, answers out: a stream of lines, or a table that keeps its columns beside the answers."""

from __future__ import annotations

import contextlib
import gzip
import sys
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Generic, Protocol, TypeVar, cast

from skillstack.cli import console
from skillstack.cli.inputs import (
    MISSING_FIELD,
    BadRow,
    Chunk,
    Line,
    Rows,
    holds_table,
    is_table,
    open_cells,
    open_lines,
)
from skillstack.data.answered import answer_each
from skillstack.data.batches import ENDINGS, Format, TableBatch, format_of
from skillstack.data.tables import Cell, free_names, table_writer
from skillstack.errors import InputError, UsageError
from skillstack.results import Predicted, Route
from skillstack.store.files import TEMPORARY
from skillstack.store.rows import Row
from skillstack.wording import many

#: Why a row has no answer.
ERROR = "error"
#: Labels that the total of a table names, and characters of a row's own id.
MOST_COUNTED = 10
ID_WIDTH = 12
ROUTE = {"task": str, "family": str, "frame": str, "route_confidence": float, ERROR: str}
PREDICTION = {
    **{"task": str, "family": str, "frame": str, "route_confidence": float},
    **{"label": str, "probability": float, ERROR: str},
}
#: Takes an answer as JSON, and a function that words it for people.
Sink = Callable[[Mapping[str, Any], Callable[[], str]], None]
#: Takes rows of a table, and for each the cells that are added to it.
CellSink = Callable[[TableBatch, list[Mapping[str, Cell]]], None]


class Printable(Protocol):
    """What has a JSON form."""

    def to_json(self) -> dict[str, Any]:
        """The answer as JSON holds it."""


A = TypeVar("A", bound=Printable)


@dataclass(frozen=True)
class Form(Generic[A]):
    """How an answer of one kind is shown.

    :ivar line: one answer of many, on one line for people, with the text.
    :ivar cells: one answer of many, by column.
    :ivar added: names and types of these columns, that of errors among them.
    """

    line: Callable[[str, A], str]
    cells: Callable[[A], Mapping[str, Cell]]
    added: Mapping[str, type]

    def counted(self, answer: A) -> str:
        """What an answer counts as, in the total of many: its label, or its task where it has none."""
        cells = self.cells(answer)
        return str(cells.get("label") or cells.get("task") or "rejected")


def route_cells(routed: Route) -> Mapping[str, Cell]:
    """A route by column."""
    return {
        "task": routed.task,
        "family": routed.family,
        "frame": routed.frame,
        "route_confidence": round(routed.confidence, 6),
    }


def prediction_cells(predicted: Predicted) -> Mapping[str, Cell]:
    """A prediction by column; ``probability`` is that of the label or, unsure, of the nearest one."""
    name = predicted.label_name if predicted.nearest is None else predicted.nearest
    probability = round(predicted.probabilities[name], 6) if name is not None else None
    return {**route_cells(predicted.routed), "label": predicted.label_name, "probability": probability}


# answering ----------------------------------------------------------------------------------------------


def answer_batch(
    answer: Callable[[list[Row]], Sequence[A]],
    form: Form[A],
    *,
    source: str,
    output: str | None,
    strict: bool,
    as_json: bool,
    text_column: str | None = None,
    pair_column: str | None = None,
    encoding: str | None = None,
) -> int:
    """Answer every row; returns the exit status.

    Lines are answered by JSON lines. Where the source or the output is a table, the output file has all
    columns of the source and the answer's cells beside them.

    :param answer: one answer per row; raises InputError if one of the rows cannot be answered.
    :param source: a table, a file of lines, JSON or texts, or ``-`` for lines from standard input.
    :param text_column: the column or field that holds the texts; likewise ``pair_column``, second texts.
    :param encoding: that of a text file; without it, it is what the file's bytes show.
    :raises UsageError: if the text column of a table is not clear.
    :raises InputError: if the source cannot be read, or with ``strict`` at the first bad row.
    """
    tally = _Tally(strict)
    opener = open_cells if holds_table(source, encoding) or is_table(output) else open_lines
    with opener(source, text_column, pair_column, encoding) as rows:
        visible = output in (None, "-") and sys.stdout is not None and sys.stdout.isatty()
        told = visible and not as_json
        with (
            _writing(rows, form, output, as_json, named=told) as write,
            console.byte_progress(rows.stream, wanted=not visible and source != "-") as advance,
        ):
            for chunk in rows.chunks:
                write(chunk, _answered(chunk.lines, answer, tally, form))
                console.flush()
                advance(len(chunk.lines))
    if tally.fieldless and not text_column:
        console.note("Name the field that holds the texts with --text-column.")
    if told and rows.columns and tally.rows:
        console.note(tally.total)
    if tally.bad:
        console.note(f"error: {many(tally.bad, 'row')} of {tally.rows:,} could not be answered.")
    if output not in (None, "-"):
        console.note(f"{many(tally.good, 'answer')} in {output}")
    elif not tally.rows:
        console.note(f"There are no rows in {source}.")
    return 3 if tally.bad else 0


@dataclass
class _Tally:
    """How many rows were answered."""

    strict: bool
    good: int = 0
    bad: int = 0
    fieldless: bool = False
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def rows(self) -> int:
        return self.good + self.bad

    @property
    def total(self) -> str:
        """How many rows got which answer, the most frequent first."""
        ranked = sorted(self.counts.items(), key=lambda item: (-item[1], item[0]))
        said = [f"{console.shorten(name, 30)} {count:,}" for name, count in ranked[:MOST_COUNTED]]
        if others := sum(count for _, count in ranked[MOST_COUNTED:]):
            said.append(f"others {others:,}")
        return ", ".join([*said, *([many(self.bad, "error")] if self.bad else [])])

    def count(self, line: Line, answered: A | BadRow, form: Form[A]) -> None:
        if not isinstance(answered, BadRow):
            self.good += 1
            self.counts[form.counted(answered)] += 1
            return
        self.bad += 1
        self.fieldless |= answered.error == MISSING_FIELD.format("text")
        if self.strict:
            raise InputError(f"Row {line.number}: {answered.error}", "Correct it, or leave out --strict.")


@contextlib.contextmanager
def _writing(
    rows: Rows, form: Form[A], output: str | None, as_json: bool, *, named: bool
) -> Iterator[Callable[[Chunk, Iterator[tuple[Line, A | BadRow]]], None]]:
    """What takes a chunk with its answers: into a table where the output is one, else row by row.

    :param named: whether rows of a table are shown with an id of their own.
    """
    if output is None or output == "-" or not rows.columns:
        with open_sink(output, as_json=as_json) as sink:
            ids: int | None = None
            wide = ID_WIDTH

            def write(chunk: Chunk, answers: Iterator[tuple[Line, A | BadRow]]) -> None:
                nonlocal ids, named, wide
                if named and chunk.batch is not None:
                    ids, named = id_column(chunk.batch), False
                    if ids is not None:
                        wide = min(max(len(row[ids]) for row in chunk.batch.rows), ID_WIDTH)
                for place, (line, answered) in enumerate(answers):
                    own = (
                        chunk.batch.rows[place][ids] if chunk.batch is not None and ids is not None else None
                    )
                    shown = "" if own is None else f"{console.shorten(own, wide):<{wide}}  "
                    _put(sink, line, answered, form, shown)

            yield write
        return
    with open_cell_sink(output, rows.columns, form.added) as put:

        def write_cells(chunk: Chunk, answers: Iterator[tuple[Line, A | BadRow]]) -> None:
            beside: list[Mapping[str, Cell]] = [
                {ERROR: answered.error} if isinstance(answered, BadRow) else form.cells(answered)
                for _, answered in answers
            ]
            if chunk.batch is not None:
                put(chunk.batch, beside)

        yield write_cells


def id_column(batch: TableBatch) -> int | None:
    """The place of the column that names a table's rows: by its name, else the first of distinct integers."""
    for place, name in enumerate(batch.columns):
        if name.strip().lower() in ("id", "number"):
            return place
    for place, cells in enumerate(zip(*batch.rows, strict=True)):
        whole = all(cell.isascii() and cell.lstrip("-").isdecimal() for cell in cells)
        if whole and len(set(cells)) == len(cells) > 1:
            return place
    return None


def _put(sink: Sink, line: Line, answered: A | BadRow, form: Form[A], own: str = "") -> None:
    """Show one answer.

    :param own: the id of the row in its table, as it is shown.
    """
    head = f"{line.number:>6}  {own}"
    if isinstance(answered, BadRow):
        error = answered.error
        sink({"row": line.number, "error": error}, lambda: f"{head}error: {error}")
        return

    def words() -> str:
        said = form.line(cast(Row, line.row).joined, answered)
        room = console.width() - len(head)
        return head + (f"{said[: room - 3].rstrip()}..." if own and len(said) > room else said)

    sink({"row": line.number, **answered.to_json()}, words)


def _answered(
    chunk: list[Line], answer: Callable[[list[Row]], Sequence[A]], tally: _Tally, form: Form[A]
) -> Iterator[tuple[Line, A | BadRow]]:
    answers = iter(answer_each([line.row for line in chunk if isinstance(line.row, Row)], answer))
    for line in chunk:
        found = line.row if isinstance(line.row, BadRow) else next(answers)
        answered = BadRow(found.message) if isinstance(found, InputError) else found
        tally.count(line, answered, form)
        yield line, answered


# where answers go ---------------------------------------------------------------------------------------


def check_output(output: str | None, option: str = "--output") -> None:
    """Refuse at once a file that cannot be written, before what takes long.

    :param option: of the command line that names it, for hints.
    :raises UsageError: if its folder is not there, it is a folder itself, or its ending names no format.
    """
    if output is None or output == "-":
        return
    path = Path(output)
    if path.is_dir():
        raise UsageError(f"{output} is a folder.", f"Name a file in it with {option}.")
    if not path.parent.is_dir():
        raise UsageError(
            f"There is no folder {path.parent} to write {path.name} into.",
            f"Make the folder first, or name another file with {option}.",
        )
    special = path.exists() and not path.is_file()
    if format_of(output) is None and not special:
        raise UsageError(
            f"{output}: the ending does not say in which format answers are written.",
            f"Name a file that ends with {ENDINGS}; the text formats may be packed (.gz).",
        )


@contextlib.contextmanager
def open_sink(output: str | None, *, as_json: bool) -> Iterator[Sink]:
    """Where to put answers. A file gets JSON lines; if the command fails, an old one stays as it was."""
    if output is None or output == "-":
        yield (lambda value, _: console.line(value)) if as_json else (lambda _, words: console.out(words()))
        return
    with _appearing(output) as file, contextlib.ExitStack() as opened:
        stream = file
        if _format(output).packed:
            packed = gzip.GzipFile(fileobj=file, mode="wb", filename="", mtime=0)
            stream = cast(BinaryIO, opened.enter_context(packed))

        def write(value: Mapping[str, Any], _: Callable[[], str]) -> None:
            stream.write(f"{console.to_json(value)}\n".encode())

        yield write


@contextlib.contextmanager
def open_cell_sink(output: str, columns: tuple[str, ...], added: Mapping[str, type]) -> Iterator[CellSink]:
    """Where to put rows of a table with answers beside them: a file in the format of its ending.

    :param columns: names of the table's columns.
    :param added: names and types of the columns that are added; one that the table has gets a prefix.
    """
    names = free_names(columns, list(added))
    types = {names[name]: kind for name, kind in added.items()}
    with _appearing(output) as file, table_writer(file, _format(output), columns, types) as write:

        def put(batch: TableBatch, cells: list[Mapping[str, Cell]]) -> None:
            write(batch, {free: [row.get(name) for row in cells] for name, free in names.items()})

        yield put


@contextlib.contextmanager
def _appearing(output: str) -> Iterator[BinaryIO]:
    """A file that appears when it is whole."""
    check_output(output)
    path = Path(output)
    special = path.exists() and not path.is_file()  # a device or a named pipe
    temporary = path if special else path.with_name(f"{TEMPORARY}{uuid.uuid4().hex}")
    try:
        with temporary.open("wb" if special else "xb") as file:
            yield file
        if not special:
            temporary.replace(path)
    finally:
        if not special:
            temporary.unlink(missing_ok=True)


def _format(output: str) -> Format:
    return format_of(output) or Format("jsonl")
