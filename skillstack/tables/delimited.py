"""CSV and TSV (RFC 4180, with any line ends), read as a stream.

Many TSV files know no quotes: a quote in them is a character like any other (:mod:`.quotes` tells which do).
"""

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


def read_header(stream: BinaryIO, path: Path, kind: str, plain: bool = False) -> tuple[str, ...]:
    """The names of the columns.

    :param plain: whether quotes are plain characters.
    :raises InputError: if the file is empty, its first row is no header, or two columns share a name.
    """
    for _, cells, error in _records(stream, path, kind, plain):
        if error is not None:
            raise error
        return _names(cells, path)
    return _names([], path)


def read_batches(
    stream: BinaryIO,
    path: Path,
    kind: str,
    columns: tuple[str, ...],
    size: int,
    *,
    plain: bool = False,
    lenient: bool = False,
) -> Iterator[Batch]:
    """All rows.

    :param plain: whether quotes are plain characters.
    :param lenient: whether a broken row comes along with its error.
    :raises InputError: if a row has more or fewer cells than there are columns, or its quotes are broken; it
        names the line. Even if lenient, where nobody can tell the line on which the next row begins.
    """
    gathered = Gathered(columns, size)
    for line, cells, error in islice(_records(stream, path, kind, plain), 1, None):
        if error is None and cells and len(cells) != len(columns):
            error = InputError(
                f"{path}, line {line}: {len(cells)} cells, but there are {len(columns)} columns.",
                "Put cells that hold the separator or a line break in quotes, or mend the row.",
            )
        if error is not None and not lenient:
            raise error
        if error is not None:
            cells = (cells + [""] * len(columns))[: len(columns)]
        if gathered.add(tuple(cells), line, error):
            yield gathered.batch()
    yield from gathered.rest()


#: The line on which a record begins, its cells, and why it is broken.
_Record = tuple[int, list[str], InputError | None]


def _records(stream: BinaryIO, path: Path, kind: str, plain: bool) -> Iterator[_Record]:
    """All records; the header first.

    :raises InputError: if a quote is not closed on its line, and the row cannot be read.
    """
    lines = (text for _, text in text_lines(stream, path))
    if plain:
        for number, text in enumerate(lines, 1):
            text = text.rstrip("\r\n")
            yield number, text.split("\t") if text else [], None
        return
    first = next(lines, None)
    if first is None:
        return
    separator = "\t" if kind == "tsv" else _separator(first)
    # The limit holds for the process; nothing here lowers what another part of a program has set.
    csv.field_size_limit(max(csv.field_size_limit(), MAX_CHARACTERS))
    reader = csv.reader(_chain(first, lines), delimiter=separator, strict=True)
    begins = 1
    while True:
        broken: InputError | None = None
        try:
            cells = next(reader, None)
        except csv.Error as error:
            cells = []
            broken = InputError(
                f"{path}, line {begins}: the row cannot be read: {error}.",
                "A quote in a cell is written twice, and the cell stands in quotes; look for one unclosed.",
            )
        if cells is None:
            return
        if broken is not None and reader.line_num > begins:
            raise broken
        yield begins, cells, broken
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
