"""A table in a file: its rows as often as they are asked for, and written again with more columns."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from skillstack.data import delimited, json_lines, lines, parquet, workbook
from skillstack.data.batches import Format, TableBatch
from skillstack.data.delimited import is_plain
from skillstack.data.encodings import UTF_8, as_utf_8, check_encoding, detect_encoding, encoding_note
from skillstack.data.formats import format_in
from skillstack.data.lines import explained, unpacked
from skillstack.errors import InputError

#: Rows of a batch at most.
BATCH_ROWS = 1024


@dataclass(frozen=True)
class Table:
    """A table whose header was read. Only a batch of its rows is held at a time.

    :ivar path: its file.
    :ivar format: how the file holds it.
    :ivar columns: names of the columns, each of them once.
    :ivar plain: whether quotes are plain characters, in a TSV.
    :ivar encoding: that of its characters.
    :ivar detected: whether this was not named, but is what its bytes show.
    """

    path: Path
    format: Format
    columns: tuple[str, ...]
    plain: bool = False
    encoding: str = UTF_8
    detected: bool = False

    @property
    def notes(self) -> tuple[str, ...]:
        """What people should know of how it is read, a sentence each."""
        return (encoding_note(self.path, self.encoding),) if self.detected else ()

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """The file's bytes, for :meth:`batches`, by somebody who wants to know how far it is read.

        :raises InputError: if it cannot be opened.
        """
        with explained(self.path):
            stream = self.path.open("rb")
        with stream:
            yield stream

    def batches(
        self, stream: BinaryIO | None = None, size: int = BATCH_ROWS, *, lenient: bool = False
    ) -> Iterator[TableBatch]:
        """All rows but the empty ones, at most ``size`` at a time.

        :param stream: the file, newly opened by :meth:`open`; without it, it is opened here.
        :param lenient: whether broken and empty rows come along, with their errors in the batch; only blank
            lines at the end are no rows.
        :raises InputError: if the file cannot be read or decoded, or a row is broken; it names the line.
        """
        with ExitStack() as stack:
            raw = stream if stream is not None else stack.enter_context(self.open())
            yield from self._read(raw, size, lenient)

    def _read(self, raw: BinaryIO, size: int, lenient: bool) -> Iterator[TableBatch]:
        batches = self._reader(raw, size, lenient)
        while True:
            with explained(self.path):  # not around the yield: errors of whoever takes the rows are theirs
                batch = next(batches, None)
            if batch is None:
                return
            yield batch

    def _reader(self, raw: BinaryIO, size: int, lenient: bool) -> Iterator[TableBatch]:
        if self.format.kind == "parquet":
            return parquet.read_batches(raw, self.path, self.columns, size, lenient=lenient)
        if self.format.kind == "xlsx":
            return workbook.read_batches(raw, self.path, self.columns, size, lenient=lenient)
        text = as_utf_8(unpacked(raw, self.format.packed), self.encoding, self.path)
        if self.format.kind == "jsonl":
            return json_lines.read_batches(text, self.path, self.columns, size, lenient=lenient)
        if self.format.kind == "lines":
            return lines.read_batches(text, self.path, size, lenient=lenient)
        return delimited.read_batches(
            text, self.path, self.format.kind, self.columns, size, plain=self.plain, lenient=lenient
        )


def open_table(
    path: Path, format: Format | None = None, *, lenient: bool = False, encoding: str | None = None
) -> Table:
    """The table in a file.

    :param format: its format; without it, it is what the file's ending or its first lines say.
    :param lenient: whether broken lines of JSON are no error yet, as for :meth:`Table.batches`.
    :param encoding: that of its characters; without it, it is what the file's bytes show.
    :raises UsageError: if the encoding is unknown.
    :raises InputError: if the file's ending is unknown, it cannot be read, or it has no columns.
    """
    chosen = format or format_in(path, encoding)
    named = check_encoding(encoding) if encoding is not None else None
    if chosen.kind in ("parquet", "xlsx"):
        reader = parquet if chosen.kind == "parquet" else workbook
        with explained(path), path.open("rb") as raw:
            return _with_columns(Table(path, chosen, reader.read_header(cast(BinaryIO, raw), path)))
    with _bytes(path, chosen) as stream:
        used = named or detect_encoding(stream)
    plain = False
    if chosen.kind == "tsv":
        with _bytes(path, chosen) as stream:
            plain = is_plain(as_utf_8(stream, used, path), path)
    with _bytes(path, chosen) as stream:
        text = as_utf_8(stream, used, path)
        columns: tuple[str, ...]
        if chosen.kind == "lines":
            columns = ("text",) if text.read(1) else ()
        elif chosen.kind == "jsonl":
            columns = json_lines.read_header(text, path, lenient=lenient)
        else:
            columns = delimited.read_header(text, path, chosen.kind, plain)
    return _with_columns(Table(path, chosen, columns, plain, used, named is None and used != UTF_8))


@contextmanager
def _bytes(path: Path, format: Format) -> Iterator[BinaryIO]:
    with explained(path), path.open("rb") as raw:
        yield unpacked(cast(BinaryIO, raw), format.packed)


def _with_columns(table: Table) -> Table:
    if not table.columns:
        raise InputError(f"{table.path} holds no rows.", "Give a table with a header and rows.")
    return table


#: What is put before a name that the table has already.
PREFIX = "skillstack_"

#: Rows, and bytes, of a row group of Parquet.
GROUP_ROWS = 65_536
GROUP_BYTES = 64 << 20
Cell = str | float | None

#: Takes a batch, and by added column the cells of its rows.
Write = Callable[[TableBatch, Mapping[str, Sequence[Cell]]], None]


def free_names(columns: Sequence[str], added: Sequence[str]) -> dict[str, str]:
    """What added columns are called in a table of these columns."""
    taken = set(columns)
    names = {}
    for name in added:
        free = name
        while free in taken:
            free = PREFIX + free
        names[name] = free
        taken.add(free)
    return names


@contextmanager
def table_writer(
    stream: BinaryIO, format: Format, columns: tuple[str, ...], added: Mapping[str, type]
) -> Iterator[Write]:
    """Write a table to a stream, which stays open; it is whole once this is left.

    :param columns: the columns that batches bring.
    :param added: those that are added to them, each ``str`` or ``float``; none is called like another.
    """
    if format.kind == "parquet":
        with _parquet(stream, columns, added) as write:
            yield write
        return
    packed = gzip.GzipFile(fileobj=stream, mode="wb", filename="", mtime=0) if format.packed else None
    # A character that UTF-8 does not have can come from JSON lines; it is written as an escape.
    text = io.TextIOWrapper(
        cast(BinaryIO, packed or stream), encoding="utf-8", errors="backslashreplace", newline=""
    )
    try:
        yield _objects(text) if format.kind == "jsonl" else _delimited(text, format.kind, [*columns, *added])
        text.flush()
    finally:
        text.detach()
        if packed is not None:
            packed.close()


def _objects(text: io.TextIOWrapper) -> Write:
    def write(batch: TableBatch, added: Mapping[str, Sequence[Cell]]) -> None:
        for place, row in enumerate(batch.rows):
            value = dict(zip(batch.columns, row, strict=True)) | {
                n: cells[place] for n, cells in added.items()
            }
            text.write(f"{json.dumps(value, ensure_ascii=False, allow_nan=False)}\n")

    return write


class _LineFeeds:
    """Ends rows with a line feed.

    The writer must not know: it puts a lone carriage return in quotes only if its own rows end with one, and
    a reader would take it for the end of a row.
    """

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text

    def write(self, row: str) -> int:
        """Write a row that ends with CR LF."""
        return self._text.write(f"{row[:-2]}\n")


def _delimited(text: io.TextIOWrapper, kind: str, names: Sequence[str]) -> Write:
    lines, separator = _LineFeeds(text), "\t" if kind == "tsv" else ","
    writer = csv.writer(lines, delimiter=separator)
    quoting = csv.writer(lines, delimiter=separator, quoting=csv.QUOTE_ALL)

    def put(row: Sequence[Cell]) -> None:
        # In a TSV, a cell of several lines in quotes, beside others without, could be rows with stray quotes.
        several = kind == "tsv" and any(isinstance(c, str) and ("\n" in c or "\r" in c) for c in row)
        (quoting if several else writer).writerow(row)

    put(names)

    def write(batch: TableBatch, added: Mapping[str, Sequence[Cell]]) -> None:
        for row, *cells in zip(batch.rows, *added.values(), strict=True):
            put([*row, *("" if cell is None else cell for cell in cells)])

    return write


@contextmanager
def _parquet(stream: BinaryIO, columns: tuple[str, ...], added: Mapping[str, type]) -> Iterator[Write]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {str: pa.string(), float: pa.float64()}
    writer: Any = None
    waiting: list[Any] = []

    def flush(schema: Any) -> None:
        nonlocal writer
        if writer is None:
            writer = pq.ParquetWriter(stream, schema)
        if waiting:
            writer.write_table(pa.Table.from_batches(waiting))
            waiting.clear()

    def write(batch: TableBatch, cells: Mapping[str, Sequence[Cell]]) -> None:
        arrow = batch.arrow if batch.arrow is not None else _strings(pa, batch.columns, batch.rows)
        for name, kind in added.items():
            arrow = arrow.append_column(name, pa.array(_encodable(cells[name]), types[kind]))
        waiting.append(arrow)
        if sum(b.num_rows for b in waiting) >= GROUP_ROWS or sum(b.nbytes for b in waiting) >= GROUP_BYTES:
            flush(arrow.schema)

    try:
        yield write
        fields = [(name, pa.string()) for name in columns] + [(n, types[kind]) for n, kind in added.items()]
        flush(waiting[0].schema if waiting else pa.schema(fields))
    finally:
        if writer is not None:
            writer.close()


def _strings(pa: Any, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Any:
    cells = [_encodable(list(column)) for column in zip(*rows, strict=True)] or [[] for _ in columns]
    return pa.record_batch([pa.array(column, pa.string()) for column in cells], names=list(columns))


def _encodable(cells: Sequence[Cell]) -> list[Cell]:
    return [
        cell.encode("utf-8", "backslashreplace").decode("utf-8") if isinstance(cell, str) else cell
        for cell in cells
    ]
