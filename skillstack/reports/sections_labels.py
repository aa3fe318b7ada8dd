"""How each label of each task fares, and which labels are confused."""

from __future__ import annotations

from skillstack.evaluation.labels import LabelConfusion
from skillstack.evaluation.result import TaskEvaluation
from skillstack.reports.material import Material
from skillstack.reports.page import Section
from skillstack.reports.table import (
    Column,
    ReportTable,
    TableCell,
    clean_line,
    count,
    name_column,
    number_column,
    share,
    text,
)

#: Characters of a matrix from side to side at most, and of a column at least. A telephone shows about 48 of
#: them; the names of rows stay while the rest is scrolled.
WIDEST, NARROWEST = 70, 10
#: Characters of a label at most where it names a row, as it would cover the row's figures; CSV has all of it.
MOST_LETTERS = 28
#: Pairs of confused labels that are listed where there are more labels.
MOST_PAIRS = 50

_WORDS = (
    "Every text is answered by its own task's frame. Precision is the share of the texts given a label that "
    "have it, recall the share of a label's texts that are given it, F1 their harmonic mean."
)


def labels_section(material: Material) -> Section:
    """Precision, recall and F1 of every label, and the confusion of every task."""
    tasks = material.evaluation.tasks
    tables = tuple(table for task in tasks for table in (_scores(task), _confusion(task)))
    return Section("labels", "Labels", (_WORDS,), tables=tables, shown=2)


def _scores(task: TaskEvaluation) -> ReportTable:
    columns = (
        name_column("label"),
        number_column("precision, %", "precision"),
        number_column("recall, %", "recall"),
        number_column("F1, %", "f1"),
        number_column("texts", "support"),
    )
    rows = tuple(
        (_name(one.label), share(one.precision), share(one.recall), share(one.f1), count(one.support))
        for one in task.own.confusion.scores
    )
    note = "A dash stands where a label has no text, or no text was given it."
    lacking = any(None in (one.precision, one.recall) for one in task.own.confusion.scores)
    title = f"Labels of {task.skill}"
    return ReportTable(f"labels_{task.skill}", title, columns, rows, note if lacking else "")


def _confusion(task: TaskEvaluation) -> ReportTable:
    confusion = task.own.confusion
    key, title = f"label_confusion_{task.skill}", f"Confusion of {task.skill}"
    if not _is_narrow(confusion.labels):
        return _pairs(confusion, key, title)
    columns = (
        name_column("texts of", "label"),
        *[Column(label, (f"given_{label}",)) for label in confusion.labels],
    )
    rows = tuple(
        (_name(label), *map(count, line))
        for label, line in zip(confusion.labels, confusion.counts, strict=True)
    )
    return ReportTable(
        key, title, columns, rows, "A row is a right label, a column the label that was given."
    )


def _name(label: str) -> TableCell:
    return TableCell((label,), clean_line(label, MOST_LETTERS))


def _is_narrow(labels: tuple[str, ...]) -> bool:
    """Whether a matrix of these labels can be read on a telephone."""
    return (
        min(max(map(len, labels)), MOST_LETTERS) + sum(2 + max(len(label), NARROWEST) for label in labels)
        <= WIDEST
    )


def _pairs(confusion: LabelConfusion, key: str, title: str) -> ReportTable:
    columns = (
        name_column("right label", "label"),
        name_column("given", "answer"),
        number_column("texts", "rows"),
        number_column("of the label's texts, %", "share"),
    )
    mistakes = confusion.mistakes
    rows = tuple(
        (_name(label), text(answer), count(wrong), share(wrong / of))
        for label, answer, wrong, of in mistakes[:MOST_PAIRS]
    )
    more = len(mistakes) - MOST_PAIRS
    if not mistakes:
        return ReportTable(key, title, columns, rows, "No text was given another label than its own.")
    note = "Pairs of labels that are confused, the most frequent first; the JSON has the whole matrix."
    if more > 0:
        note += f" Rarer pairs that are left out: {more:,}."
    return ReportTable(key, title, columns, rows, note)
