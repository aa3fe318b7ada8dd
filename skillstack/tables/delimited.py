"""CSV and TSV (RFC 4180, with any line ends), read as a stream."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from skillstack.errors import InputError
from skillstack.frames.rows import MAX_CHARACTERS
from skillstack.tables.batch import Batch, Gathered
from skillstack.tables.streams import text_lines

_NO_HEADER = "The first row holds the names of the columns."


def read_header(stream: BinaryIO, path: Path, kind: str) -> tuple[str, ...]:
    """The names of the columns.

    :raises InputError: if the file is empty, its first row is no header, or two columns share a name.
    """
    return _names(next(_records(stream, path, kind), (1, []))[1], path)


def read_batches(
    stream: BinaryIO, path: Path, kind: str, columns: tuple[str, ...], size: int
) -> Iterator[Batch]:
    """All rows.

    :raises InputError: if a row has more or fewer cells than there are columns, or its quotes are broken; it
        names the line.
    """
    gathered = Gathered(columns, size)
    for line, cells in islice(_records(stream, path, kind), 1, None):
        if cells and len(cells) != len(columns):
            raise InputError(
                f"{path}, line {line}: {len(cells)} cells, but there are {len(columns)} columns.",
                "Put cells that hold the separator or a line break in quotes, or mend the row.",
            )
        if gathered.add(tuple(cells), line):
            yield gathered.batch()
    yield from gathered.rest()


def _records(stream: BinaryIO, path: Path, kind: str) -> Iterator[tuple[int, list[str]]]:
    """The line on which each record begins, and its cells; the header first."""
    lines = (text for _, text in text_lines(stream, path))
    first = next(lines, None)
    if first is None:
        return
    separator = "\t" if kind == "tsv" else _separator(first)
    # The limit holds for the process; nothing here lowers what another part of a program has set.
    csv.field_size_limit(max(csv.field_size_limit(), MAX_CHARACTERS))
    reader = csv.reader(_chain(first, lines), delimiter=separator, strict=True)
    begins = 1
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise InputError(
                f"{path}, line {begins}: the row cannot be read: {error}.",
                "A quote in a cell is written twice, and the cell stands in quotes; look for one unclosed.",
            ) from None
        if cells is None:
            return
        yield begins, cells
        begins = reader.line_num + 1


def _chain(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def _separator(header: str) -> str:
    """Spreadsheets write semicolons where the decimal mark is a comma."""
    return ";" if "," not in header and ";" in header else ","


def _names(cells: list[str], path: Path) -> tuple[str, ...]:
    if not any(cell.strip() for cell in cells):
        raise InputError(f"{path} begins with an empty line or holds nothing.", _NO_HEADER)
    names = tuple(cell if cell.strip() else f"column_{place}" for place, cell in enumerate(cells, 1))
    for place, name in enumerate(names):
        if name in names[:place]:
            raise InputError(f"{path}: two columns are called {name[:80]!r}.", "Give each its own name.")
    return names
