"""Labelled rows of a person's own table, for labels that are known already."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from skillstack.errors import InputError, UsageError
from skillstack.tables import find_columns, open_table
from skillstack.tasks.sources.table_rows import TableRows
from skillstack.tasks.task import Example


def labelled_rows(path: Path, labels: Sequence[str], *, pair: bool) -> tuple[Example, ...]:
    """The usable rows of a table; an example's label is an index into ``labels``.

    Columns are found as in learning, and a table of a single label will do; where a pair is asked for, the
    second texts stand in ``text_pair``.

    :raises UsageError: if it is not clear which column is which.
    :raises InputError: if the table is broken, empty, or has a label that is none of these.
    """
    table = open_table(path)
    second = "text_pair" if pair else None
    text = "text" if "text" in table.columns else None
    try:
        columns = find_columns(table, text=text, pair=second, known=labels)
    except (InputError, UsageError) as error:
        if "-column" in error.hint:  # options of learning, which nobody can give here
            error.hint = "Call the columns text and label, and one of second texts text_pair."
        raise
    known = {label: place for place, label in enumerate(labels)}
    strange = [label for label in columns.labels if label not in known]
    if strange:
        raise InputError(
            f"{path}: the label {strange[0]!r} is none that the skill knows.",
            f"It knows {', '.join(map(repr, labels[:6]))}{', ...' if len(labels) > 6 else ''}.",
        )
    rows = TableRows(table, columns, 0, path.stem)
    found = tuple(Example(one.row, known[columns.labels[one.label]]) for one in rows.examples())
    if not found:
        raise InputError(f"{path}: there is no row with a text and a label.", "Add some.")
    return found
