"""Some rows of a table: cells as the strings that stand in the file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from skillstack.errors import InputError


@dataclass(frozen=True)
class Batch:
    """Some rows, in their order.

    :ivar columns: names of the columns.
    :ivar rows: the cells of each row, one per column; a missing value is empty.
    :ivar numbers: place of each row among the table's rows, from 1; empty rows count, but are left out.
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
class Gathered:
    """Rows on their way to a batch. Takes note of empty ones and leaves them out.

    :ivar size: rows of a full batch.
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

    #: Characters at which a batch is full, whatever its number of rows.
    HEAVY = 1 << 24

    def add(self, row: tuple[str, ...], line: int, error: InputError | None = None) -> bool:
        """Take the next row; whether the batch is full now.

        :param error: why it is broken; then it is kept even if it is empty.
        """
        self.number += 1
        if error is not None:
            self.errors[len(self.rows)] = f"Line {line}: {error.message.partition(f', line {line}: ')[2]}"
        if error is not None or any(cell and not cell.isspace() for cell in row):
            self.rows.append(row)
            self.numbers.append(self.number)
            self.lines.append(line)
            self.weight += sum(map(len, row))
        else:
            self.empty += 1
        return len(self.rows) >= self.size or self.weight >= self.HEAVY

    def batch(self) -> Batch:
        """What was gathered; from here on the next batch is."""
        made = Batch(self.columns, self.rows, self.numbers, self.lines, self.empty, errors=self.errors)
        self.rows, self.numbers, self.lines, self.errors = [], [], [], {}
        self.weight = self.empty = 0
        return made

    def rest(self) -> Iterator[Batch]:
        """The last batch, if anything is left."""
        if self.rows or self.empty:
            yield self.batch()
