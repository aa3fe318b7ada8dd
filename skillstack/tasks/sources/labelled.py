"""Labelled rows of a person's own table, for labels that are known already."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from skillstack.errors import InputError, UsageError
from skillstack.tables import Columns, find_columns, open_table
from skillstack.tasks.sources.table_rows import TableRows
from skillstack.tasks.task import Example

_ROLES = ("label", "pair", "text")


def columns_text(columns: Columns) -> str:
    """Names of a table's columns as the record of a source holds them, so that others are read alike."""
    found = {"label": columns.label, "text": columns.text}
    return json.dumps(found | ({"pair": columns.pair} if columns.pair else {}), sort_keys=True)


def columns_in(source: Mapping[str, str]) -> Mapping[str, str]:
    """The columns that a skill was learned from, by what stands in them; none where that is not known."""
    if source.get("kind") != "table":
        return {}
    try:
        found = json.loads(source.get("origin", ""))
    except ValueError:
        return {}
    if not isinstance(found, dict):
        return {}
    return {key: name for key, name in found.items() if key in _ROLES and isinstance(name, str)}


def labelled_rows(
    path: Path, labels: Sequence[str], *, pair: bool, columns: Mapping[str, str] | None = None
) -> tuple[Example, ...]:
    """The usable rows of a table; an example's label is an index into ``labels``.

    Columns are found as in learning, and a table of a single label will do; where a pair is asked for, the
    second texts stand in ``text_pair``.

    :param columns: their names where the skill was learned; those that the table has are taken.

    :raises UsageError: if it is not clear which column is which.
    :raises InputError: if the table is broken, empty, or has a label that is none of these.
    """
    table = open_table(path)
    named = {role: name for role, name in (columns or {}).items() if name in table.columns}
    second = named.get("pair", "text_pair") if pair else None
    text = named.get("text") or ("text" if "text" in table.columns else None)
    try:
        found_columns = find_columns(table, text=text, pair=second, label=named.get("label"), known=labels)
    except (InputError, UsageError) as error:
        if "-column" in error.hint:  # options of learning, which nobody can give here
            error.hint = "Call the columns text and label, and one of second texts text_pair."
        raise
    known = {label: place for place, label in enumerate(labels)}
    strange = [label for label in found_columns.labels if label not in known]
    if strange:
        raise InputError(
            f"{path}: the label {strange[0]!r} is none that the skill knows.",
            f"It knows {', '.join(map(repr, labels[:6]))}{', ...' if len(labels) > 6 else ''}.",
        )
    rows = TableRows(table, found_columns, 0, path.stem)
    found = tuple(Example(one.row, known[found_columns.labels[one.label]]) for one in rows.examples())
    if not found:
        raise InputError(f"{path}: there is no row with a text and a label.", "Add some.")
    return found
