"""A task from a person's own table: its rows checked, a part of them held back, and a report of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from skillstack.data.columns import Columns, find_columns
from skillstack.data.headers import header_note, same_label
from skillstack.data.labels import label_notes
from skillstack.data.splits import sample
from skillstack.data.table_rows import RowChoice, TableRows, columns_text
from skillstack.data.tables import Table, open_table
from skillstack.data.task import Example, SourceInfo, Task, TaskData, rows_digest
from skillstack.errors import InputError, UsageError, did_you_mean
from skillstack.store.fields import check_name

#: Rows that are held back at most: they measure an accuracy to less than a point.
MAX_TEST_ROWS = 10_000


@dataclass(frozen=True)
class TableReport:
    """What was done with the rows of a table.

    :ivar columns: where text and label stand.
    :ivar rows: rows read, empty ones included.
    :ivar empty: rows without a text.
    :ivar unlabelled: rows with a text and no label.
    :ivar duplicates: rows that repeat another one, label included, as a base reads them: case, kinds of
        blanks and forms of characters make no difference.
    :ivar conflicting_texts: texts that stand there with different labels, compared in the same way.
    :ivar conflicting: rows that hold them; none of them is used.
    :ivar left_out: good rows beyond ``per_class``, or beyond what is held back at most.
    :ivar per_class: rows of a class that train at most; None if all do.
    :ivar train_counts: rows to train with, by label.
    :ivar test_counts: rows held back, by label.
    :ivar dropped: rows of labels that were left out on demand.
    :ivar reading: what people should know of how the file was read, a sentence each.
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
    dropped: int = 0
    reading: tuple[str, ...] = ()

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
            (self.dropped, "of labels to leave out", "left out"),
            (self.duplicates, "that repeat another", "left out"),
            (self.conflicting, f"of texts with different labels ({texts})", "left out"),
            (self.left_out, limit, "not used"),
        )
        header = (header_note(self.columns.assumed),) if self.columns.assumed else ()
        return (
            self.reading
            + header
            + label_notes(self.columns.labels)
            + tuple(
                f"{count:,} {'row' if count == 1 else 'rows'} {which}: {what}."
                for count, which, what in said
                if count
            )
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
            "dropped": self.dropped,
        }


KIND = "table"

#: Characters of texts that are held in memory; of a larger table, a sample is.
MAX_HELD_CHARACTERS = 100_000_000


@dataclass(frozen=True)
class TableTask:
    """A task made of a table.

    :ivar data: the task and its rows; its test split is what was held back, and may be empty.
    :ivar report: what was done with the rows.
    """

    data: TaskData
    report: TableReport


def load_table(
    source: Path | Table,
    name: str,
    family: str,
    *,
    text: str | None = None,
    pair: str | None = None,
    label: str | None = None,
    test_size: float = 0.2,
    max_per_class: int | None = None,
    seed: int = 42,
    on_conflict: Literal["drop", "error"] = "drop",
    drop_labels: Collection[str] = (),
    drop_rare: bool = False,
) -> TableTask:
    """The task that a table teaches. It is read three times, and a file is never held in memory whole.

    A row is held back or not by a hash of its texts alone, so it stays on its side when others are added or
    the order changes, with two exceptions: a class of at least five rows has one held back, and a class
    keeps two to train with. Rows that a base reads alike (:func:`.table_rows.as_read`) count once; texts that
    stand there with different labels are left out.

    :param source: its file, or the table.
    :param text: name of the text column, if it is known; likewise ``pair`` (second texts) and ``label``.
    :param test_size: share of the rows that is held back, at least 0 and below 1.
    :param max_per_class: rows of a class to train with at most, chosen by hash (:mod:`.sampling`).
    :param on_conflict: "error" refuses texts with different labels instead.
    :param drop_labels: labels whose rows are left out.
    :param drop_rare: whether labels with fewer than two rows to train with are left out too.
    :raises UsageError: if a name or number cannot be meant, or more than one column could.
    :raises InputError: if the table or a row is broken, or a class has fewer than two rows to train with.
    """
    check_name(name, "The task name")
    check_name(family, "The family")
    if not 0 <= test_size < 1:
        raise UsageError(f"The test size is {test_size}.", "Give a share from 0 to below 1, such as 0.2.")
    if max_per_class is not None and max_per_class < 2:
        raise UsageError(f"At most {max_per_class} rows a class cannot be learned from.", "Give at least 2.")
    table = source if isinstance(source, Table) else open_table(source)
    path = table.path
    found = find_columns(table, text=text, pair=pair, label=label)
    dropped = {same_label(one) for one in drop_labels}
    columns = _without(path, found, dropped)
    task = Task(name=name, family=family, labels=columns.labels, pair=columns.pair is not None)
    rows = TableRows(table, columns, seed, name, dropped)
    settled = rows.noted()
    if settled.conflicting and on_conflict == "error":
        raise InputError(
            f"{path}: {settled.conflicting_texts:,} texts stand there with different labels.",
            "Decide for one label each, or have them left out.",
        )
    per_class = max_per_class or _fitting(columns)
    choice = settled.choose(len(columns.labels), test_size, per_class, MAX_TEST_ROWS)
    few = {label for label, count in zip(columns.labels, choice.train_counts, strict=True) if count < 2}
    if few and drop_rare:
        return load_table(
            table, name, family, text=text, pair=pair, label=label, test_size=test_size,
            max_per_class=max_per_class, seed=seed, on_conflict=on_conflict, drop_labels=dropped | few,
        )  # fmt: skip
    _check_classes(path, columns, choice)
    train, test = rows.chosen(choice)
    if per_class is not None:
        train = list(sample(train, per_class, seed, name))
    data = TaskData(
        task=task,
        train=tuple(train),
        validation=(),
        source=SourceInfo(
            kind=KIND,
            name=f"{KIND}/{name}",
            digest=rows_digest(task, train=train),
            origin=columns_text(columns),
        ),
        read_test=lambda: tuple(test),
    )
    report = TableReport(
        columns=columns,
        rows=rows.rows,
        empty=rows.empty,
        unlabelled=rows.unlabelled,
        duplicates=settled.duplicates,
        conflicting_texts=settled.conflicting_texts,
        conflicting=settled.conflicting,
        left_out=len(settled.keys) - len(train) - len(test),
        per_class=per_class,
        train_counts=_counts(columns, train),
        test_counts=_counts(columns, test),
        dropped=rows.dropped,
        reading=table.notes,
    )
    return TableTask(data, report)


def _without(path: Path, columns: Columns, dropped: Collection[str]) -> Columns:
    """The columns with the labels that remain."""
    for label in dropped:
        if label not in columns.labels:
            raise UsageError(
                f"{path} has no label {label[:80]!r} to leave out.", did_you_mean(label, columns.labels)
            )
    labels = tuple(label for label in columns.labels if label not in dropped)
    if len(labels) < 2:
        raise UsageError(
            f"{path}: without the labels to leave out, {len(labels)} remain.", "Leave out fewer labels."
        )
    return replace(columns, labels=labels)


def _fitting(columns: Columns) -> int | None:
    """Rows of a class that memory should hold at most; None if that is no matter."""
    if columns.characters <= MAX_HELD_CHARACTERS:
        return None
    rows = columns.rows * MAX_HELD_CHARACTERS / columns.characters
    return max(int(rows / len(columns.labels)), 2)


def _check_classes(path: Path, columns: Columns, choice: RowChoice) -> None:
    few = [
        f"{label!r} ({count})"
        for label, count in zip(columns.labels, choice.train_counts, strict=True)
        if count < 2
    ]
    if few:
        more = f", and {len(few) - 5} more" if len(few) > 5 else ""
        raise InputError(
            f"{path}: fewer than 2 different rows to train with for the label {', '.join(few[:5])}{more}.",
            "Add rows, or leave those labels out with --drop-rare.",
        )


def _counts(columns: Columns, examples: list[Example]) -> dict[str, int]:
    counts = Counter(example.label for example in examples)
    return {label: counts[index] for index, label in enumerate(columns.labels)}
