"""CSV and TSV (RFC 4180, with any line ends), read as a stream.

Many TSV files know no quotes: a quote in them is a character like any other.

No file says which kind it is. Read the wrong way, rows of one kind silently become one row, and cells of
the other fall apart. So the whole file is looked at: one quote that RFC 4180 does not allow makes it
plain. Where both readings fit, neither is taken.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO

from skillstack.data.batches import BatchBuilder, TableBatch
from skillstack.data.lines import text_lines
from skillstack.errors import InputError
from skillstack.store.rows import MAX_CHARACTERS


class _MisplacedError(Exception):
    """A quote that RFC 4180 does not allow."""


def is_plain(stream: BinaryIO, path: Path) -> bool:
    """Whether the quotes of a TSV are plain characters; reads it up to the first quote that says so.

    :raises InputError: if a row fits both readings: cells in quotes over several lines, each of which would
        be a whole row.
    """
    lines = (text.rstrip("\r\n") for _, text in text_lines(stream, path))
    scan = _Scan()
    columns = 0
    doubtful: tuple[int, int] | None = None
    try:
        for number, line in enumerate(lines, 1):
            if not scan.inside and '"' not in line:
                columns = columns or line.count("\t") + 1
                continue
            scan.take(line, number)
            if scan.inside:
                continue
            if not columns:
                if scan.bare == 0:  # a header in quotes: whoever wrote it puts all cells in quotes
                    return False
                columns = scan.cells
            elif doubtful is None and scan.bare and columns > 1 and scan.looks_like_rows_of(columns):
                doubtful = scan.begins, number
    except _MisplacedError:
        return True
    if scan.inside:
        return True
    if doubtful is not None:
        raise InputError(
            f"{path}, lines {doubtful[0]} to {doubtful[1]}: one row with a cell in quotes, or a row a line; "
            "both can be meant.",
            "Give a .csv or .jsonl file, or put each cell of the table in quotes.",
        )
    return False


class _Scan:
    """The quotes of one record after the other.

    :ivar inside: whether a cell in quotes goes on in the next line.
    :ivar begins: line on which the record begins.
    :ivar cells: cells of the record so far.
    :ivar bare: those of them that are not in quotes.
    """

    def __init__(self) -> None:
        self.inside = False
        self.begins = self.cells = self.bare = 0
        self._tabs: list[int] = []

    def looks_like_rows_of(self, columns: int) -> bool:
        """Whether the record has several lines, and each would be a whole row if quotes were plain."""
        return len(self._tabs) > 1 and all(tabs == columns - 1 for tabs in self._tabs)

    def take(self, line: str, number: int) -> None:
        """Go on with a line, without its end.

        :raises _MisplacedError: if a quote stands where RFC 4180 allows none.
        """
        if not self.inside:
            self.begins, self.cells, self.bare, self._tabs = number, 0, 0, []
        self._tabs.append(line.count("\t"))
        for quoted in self._ends(line):
            self.cells += 1
            self.bare += not quoted

    def _ends(self, line: str) -> Iterator[bool]:
        """For each cell that ends on this line, whether it was in quotes."""
        place = 0
        while True:
            if not self.inside and line.startswith('"', place):
                self.inside = True
                place += 1
            quoted = self.inside
            if quoted:
                place = _closing(line, place)
                if place < 0:
                    return
                self.inside = False
                if place < len(line) and line[place] != "\t":
                    raise _MisplacedError
            end = line.find("\t", place)
            if '"' in line[place : end if end >= 0 else None]:
                raise _MisplacedError
            yield quoted
            if end < 0:
                return
            place = end + 1


def _closing(line: str, place: int) -> int:
    """The place behind the quote that closes a cell; -1 if none does on this line."""
    while (place := line.find('"', place)) >= 0:
        if not line.startswith('"', place + 1):
            return place + 1
        place += 2
    return -1


_NO_HEADER = "The first row holds the names of the columns."


def read_header(stream: BinaryIO, path: Path, kind: str, plain: bool = False) -> tuple[str, ...]:
    """The names of the columns.

    :param plain: whether quotes are plain characters.
    :raises InputError: if the file is empty, its first row is no header, or two columns share a name.
    """
    for _, cells, error in _records(stream, path, kind, plain):
        if error is not None:
            raise error
        return column_names(cells, path)
    return column_names([], path)


def read_batches(
    stream: BinaryIO,
    path: Path,
    kind: str,
    columns: tuple[str, ...],
    size: int,
    *,
    plain: bool = False,
    lenient: bool = False,
) -> Iterator[TableBatch]:
    """All rows.

    :param plain: whether quotes are plain characters.
    :param lenient: whether a broken or empty row comes along with its error.
    :raises InputError: if a row has more or fewer cells than there are columns, repeats the header, or its
        quotes are broken; it names the line. Even if lenient, where nobody can tell the line on which the
        next row begins.
    """
    gathered = BatchBuilder(columns, size, keep_empty=lenient)
    for line, cells, error in islice(_records(stream, path, kind, plain), 1, None):
        if error is None and len(cells) > 1 and tuple(cells) == columns:
            error = InputError(
                f"{path}, line {line}: the first row stands there again, as where files were joined.",
                "Remove that line; if the first row is no header, put one such as text,label above it.",
            )
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
    lines: Iterator[str] = (text for _, text in text_lines(stream, path))
    if plain:
        for number, text in enumerate(lines, 1):
            text = text.rstrip("\r\n")
            yield number, text.split("\t") if text else [], None
        return
    begins, separator, spaced = 1, "\t", False
    if kind != "tsv":
        first = list(islice(lines, 1))
        stated = _STATED.fullmatch(first[0].rstrip("\r\n")) if first else None
        judged = [] if stated else first
        while len(judged) < JUDGED_LINES and sum(map(len, judged)) < JUDGED_CHARACTERS:
            more = next(lines, None)
            if more is None:
                break
            judged.append(more)
        begins = 2 if stated else 1
        separator = stated[1] if stated else _separator(judged)
        spaced = _is_spaced(judged, separator)
        lines = chain(judged, lines)
    skipped = begins - 1
    # The limit holds for the process; nothing here lowers what another part of a program has set.
    csv.field_size_limit(max(csv.field_size_limit(), MAX_CHARACTERS))
    reader = csv.reader(lines, delimiter=separator, skipinitialspace=spaced, strict=True)
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
        if broken is not None and reader.line_num + skipped > begins:
            raise broken
        yield begins, cells, broken
        begins = reader.line_num + skipped + 1


#: Lines, and characters, by which the separator is judged.
JUDGED_LINES = 100
JUDGED_CHARACTERS = 1 << 20
#: Excel's own way to name the separator, in a line above the header.
_STATED = re.compile("sep=([,;|\t])", re.IGNORECASE)


def _separator(lines: Sequence[str]) -> str:
    """The separator in the header that divides most rows into as many cells as the header has.

    Spreadsheets write semicolons where the decimal mark is a comma. In doubt it is the comma.
    """

    def agreeing(separator: str) -> float:
        rows = [row for row in csv.reader(lines, delimiter=separator) if row]
        return sum(len(row) == len(rows[0]) for row in rows) / len(rows) if len(rows[0]) > 1 else -1

    found = [separator for separator in ",;" if lines and separator in lines[0]]
    return max(found, key=agreeing) if len(found) > 1 else found[0] if found else ","


def _is_spaced(lines: Sequence[str], separator: str) -> bool:
    """Whether a quote that opens a cell stands behind a separator and blanks."""
    mark = re.escape(separator)
    whole = re.compile(f'(^|{mark})"(?:[^"]|"")*"(?={mark}|$)')
    opening = re.compile(f'{mark} +"[^"{mark}]')
    return any(
        opening.search(whole.sub(r"\1", line.rstrip("\r\n"))) for line in lines if f"{separator} " in line
    )


def column_names(cells: list[str], path: Path) -> tuple[str, ...]:
    """The names in a header; a column without one is called by its place.

    :raises InputError: if there are none, or two columns share one.
    """
    if not any(cell.strip() for cell in cells):
        raise InputError(f"{path} begins with an empty line or holds nothing.", _NO_HEADER)
    names = tuple(cell if cell.strip() else f"column_{place}" for place, cell in enumerate(cells, 1))
    for place, name in enumerate(names):
        if name in names[:place]:
            raise InputError(f"{path}: two columns are called {name[:80]!r}.", "Give each its own name.")
    return names
