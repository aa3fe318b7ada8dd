"""Some rows of a table, and the formats that a table's file may have."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

from skillstack.errors import InputError

_KINDS = {".csv": "csv", ".tsv": "tsv", ".jsonl": "jsonl", ".json": "jsonl", ".parquet": "parquet"}
ENDINGS = ".csv, .tsv, .jsonl or .parquet"


@dataclass(frozen=True)
class Format:
    """How a file holds its rows.

    :ivar kind: "csv", "tsv", "jsonl", "parquet", "xlsx", or "lines", each of which is a text.
    :ivar packed: whether the file is a gzip of that.
    """

    kind: str
    packed: bool = False


def format_of(name: str) -> Format | None:
    """The format that a file's name promises; None if its ending is none of ours."""
    path = PurePath(name.lower())
    packed = path.suffix == ".gz"
    kind = _KINDS.get(path.with_suffix("").suffix if packed else path.suffix)
    if kind is None or (packed and kind == "parquet"):
        return None
    return Format(kind, packed)


def known_format(name: str) -> Format:
    """The format of a file.

    :raises InputError: if its ending says none.
    """
    found = format_of(name)
    if found is None:
        raise InputError(
            f"{name}: the ending does not say what kind of table this is.",
            f"Use a file whose name ends with {ENDINGS}; the text formats may be packed (.gz).",
        )
    return found


#: Why an empty row has no answer.
EMPTY = "The row is empty."


@dataclass(frozen=True)
class TableBatch:
    """Some rows, in their order.

    :ivar columns: names of the columns.
    :ivar rows: the cells of each row, one per column; a missing value is empty.
    :ivar numbers: place of each row among the table's rows, from 1; empty rows count, left out or not.
    :ivar lines: line of the file on which each row begins; for Parquet its number.
    :ivar empty: empty rows that were left out between these, or before them.
    :ivar arrow: the same rows as Arrow holds them, where they were read from Parquet.
    :ivar errors: by place in ``rows``, why a row is broken; its cells are those that could be told.
    """

    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]
    numbers: list[int]
    lines: list[int]
    empty: int = 0
    arrow: Any = field(default=None, repr=False, compare=False)
    errors: dict[int, str] = field(default_factory=dict)


@dataclass
class BatchBuilder:
    """Rows on their way to a batch. Takes note of empty ones and leaves them out, unless they are to be kept.

    :ivar size: rows of a full batch.
    :ivar keep_empty: whether empty rows come along, with an error; blank lines at the end are never rows.
    """

    columns: tuple[str, ...]
    size: int
    rows: list[tuple[str, ...]] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    number: int = 0
    weight: int = 0
    empty: int = 0
    errors: dict[int, str] = field(default_factory=dict)
    keep_empty: bool = False
    blank: list[int] = field(default_factory=list)

    #: Characters at which a batch is full, whatever its number of rows.
    HEAVY = 1 << 24

    def add(self, row: tuple[str, ...], line: int, error: InputError | None = None) -> bool:
        """Take the next row; whether the batch is full now.

        :param row: its cells; none for a blank line.
        :param error: why it is broken; then it is kept even if it is empty.
        """
        self.number += 1
        if error is not None or any(cell and not cell.isspace() for cell in row):
            said = error and error.message.partition(f", line {line}: ")[2]
            self._keep(row, self.number, line, f"Line {line}: {said}" if error else None)
        elif not self.keep_empty:
            self.empty += 1
        elif row:
            self._keep(row, self.number, line, EMPTY)
        else:
            self.blank.append(line)
        return len(self.rows) >= self.size or self.weight >= self.HEAVY

    def _keep(self, row: tuple[str, ...], number: int, line: int, error: str | None) -> None:
        """Take a row, and the blank lines before it, of which it is now known that they are not the end."""
        for before, blank in enumerate(self.blank, number - len(self.blank)):
            self._append(("",) * len(self.columns), before, blank, EMPTY)
        self.blank = []
        self._append(row, number, line, error)

    def _append(self, row: tuple[str, ...], number: int, line: int, error: str | None) -> None:
        if error is not None:
            self.errors[len(self.rows)] = error
        self.rows.append(row)
        self.numbers.append(number)
        self.lines.append(line)
        self.weight += sum(map(len, row))

    def batch(self) -> TableBatch:
        """What was gathered; from here on the next batch is."""
        made = TableBatch(self.columns, self.rows, self.numbers, self.lines, self.empty, errors=self.errors)
        self.rows, self.numbers, self.lines, self.errors = [], [], [], {}
        self.weight = self.empty = 0
        return made

    def rest(self) -> Iterator[TableBatch]:
        """The last batch, if anything is left."""
        if self.rows or self.empty:
            yield self.batch()
