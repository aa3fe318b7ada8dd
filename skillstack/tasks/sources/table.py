"""A task from a person's own table: its rows checked, and a part of them held back."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from skillstack.errors import InputError, UsageError
from skillstack.frames.names import check_name
from skillstack.tables import Columns, find_columns, open_table
from skillstack.tasks.sampling import sample
from skillstack.tasks.sources.choice import Choice
from skillstack.tasks.sources.data import SourceInfo, TaskData, rows_digest
from skillstack.tasks.sources.labelled import columns_text
from skillstack.tasks.sources.table_report import MAX_TEST_ROWS, TableReport
from skillstack.tasks.sources.table_rows import TableRows
from skillstack.tasks.task import Example, Task

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
    path: Path,
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
) -> TableTask:
    """The task that a table teaches. The file is read three times, and never held in memory whole.

    A row is held back or not by a hash of its texts alone, so it stays on its side when others are added or
    the order changes, with two exceptions: a class of at least five rows has one held back, and a class
    keeps two to train with. Equal rows count once; texts that stand there with different labels are left
    out.

    :param text: name of the text column, if it is known; likewise ``pair`` (second texts) and ``label``.
    :param test_size: share of the rows that is held back, at least 0 and below 1.
    :param max_per_class: rows of a class to train with at most, chosen by hash (:mod:`.sampling`).
    :param on_conflict: "error" refuses texts with different labels instead.
    :raises UsageError: if a name or number cannot be meant, or more than one column could.
    :raises InputError: if the table or a row is broken, or a class has fewer than two rows to train with.
    """
    check_name(name, "The task name")
    check_name(family, "The family")
    if not 0 <= test_size < 1:
        raise UsageError(f"The test size is {test_size}.", "Give a share from 0 to below 1, such as 0.2.")
    if max_per_class is not None and max_per_class < 2:
        raise UsageError(f"At most {max_per_class} rows a class cannot be learned from.", "Give at least 2.")
    table = open_table(path)
    columns = find_columns(table, text=text, pair=pair, label=label)
    task = Task(name=name, family=family, labels=columns.labels, pair=columns.pair is not None)
    rows = TableRows(table, columns, seed, name)
    settled = rows.noted()
    if settled.conflicting and on_conflict == "error":
        raise InputError(
            f"{path}: {settled.conflicting_texts:,} texts stand there with different labels.",
            "Decide for one label each, or have them left out.",
        )
    per_class = max_per_class or _fitting(columns)
    choice = settled.choose(len(columns.labels), test_size, per_class, MAX_TEST_ROWS)
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
    )
    return TableTask(data, report)


def _fitting(columns: Columns) -> int | None:
    """Rows of a class that memory should hold at most; None if that is no matter."""
    if columns.characters <= MAX_HELD_CHARACTERS:
        return None
    rows = columns.rows * MAX_HELD_CHARACTERS / columns.characters
    return max(int(rows / len(columns.labels)), 2)


def _check_classes(path: Path, columns: Columns, choice: Choice) -> None:
    few = [
        f"{label!r} ({count})"
        for label, count in zip(columns.labels, choice.train_counts, strict=True)
        if count < 2
    ]
    if few:
        more = f", and {len(few) - 5} more" if len(few) > 5 else ""
        raise InputError(
            f"{path}: fewer than 2 different rows to train with for the label {', '.join(few[:5])}{more}.",
            "Add rows, or leave those labels out.",
        )


def _counts(columns: Columns, examples: list[Example]) -> dict[str, int]:
    counts = Counter(example.label for example in examples)
    return {label: counts[index] for index, label in enumerate(columns.labels)}
