"""What was done with the rows of a table, for people and for JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from skillstack.tables import Columns
from skillstack.tables.headers import header_note

#: Rows that are held back at most: they measure an accuracy to less than a point.
MAX_TEST_ROWS = 10_000


@dataclass(frozen=True)
class TableReport:
    """What was done with the rows of a table.

    :ivar columns: where text and label stand.
    :ivar rows: rows read, empty ones included.
    :ivar empty: rows without a text.
    :ivar unlabelled: rows with a text and no label.
    :ivar duplicates: rows that repeat another one, label included.
    :ivar conflicting_texts: texts that stand there with different labels.
    :ivar conflicting: rows that hold them; none of them is used.
    :ivar left_out: good rows beyond ``per_class``, or beyond what is held back at most.
    :ivar per_class: rows of a class that train at most; None if all do.
    :ivar train_counts: rows to train with, by label.
    :ivar test_counts: rows held back, by label.
    """

    columns: Columns
    rows: int
    empty: int
    unlabelled: int
    duplicates: int
    conflicting_texts: int
    conflicting: int
    left_out: int
    per_class: int | None
    train_counts: dict[str, int]
    test_counts: dict[str, int]

    @property
    def train(self) -> int:
        """Rows to train with."""
        return sum(self.train_counts.values())

    @property
    def test(self) -> int:
        """Rows held back."""
        return sum(self.test_counts.values())

    @property
    def notes(self) -> tuple[str, ...]:
        """What people should know of, a sentence each."""
        limit = (
            f"beyond {self.per_class:,} a class"
            if self.per_class
            else f"beyond {MAX_TEST_ROWS:,} to test with"
        )
        texts = f"{self.conflicting_texts:,} {'text' if self.conflicting_texts == 1 else 'texts'}"
        said = (
            (self.empty, "without a text", "left out"),
            (self.unlabelled, "without a label", "left out"),
            (self.duplicates, "that repeat another", "left out"),
            (self.conflicting, f"of texts with different labels ({texts})", "left out"),
            (self.left_out, limit, "not used"),
        )
        header = (header_note(self.columns.assumed),) if self.columns.assumed else ()
        return header + tuple(
            f"{count:,} {'row' if count == 1 else 'rows'} {which}: {what}."
            for count, which, what in said
            if count
        )

    def to_json(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {
            "columns": self.columns.to_json(),
            "rows": self.rows,
            "train": self.train,
            "test": self.test,
            "empty": self.empty,
            "unlabelled": self.unlabelled,
            "duplicates": self.duplicates,
            "conflicting_texts": self.conflicting_texts,
            "conflicting": self.conflicting,
            "left_out": self.left_out,
            "per_class": self.per_class,
            "train_counts": self.train_counts,
            "test_counts": self.test_counts,
        }
