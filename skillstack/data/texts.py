"""Texts without labels, for a router's samples: a plain text file, or a table's columns."""

from __future__ import annotations

from pathlib import Path

from skillstack.data.batches import ENDINGS, format_of
from skillstack.data.lines import read_lines
from skillstack.data.tables import open_table
from skillstack.errors import InputError, UsageError, did_you_mean
from skillstack.store.rows import Row, check_row


def load_texts(path: Path, *, text: str | None = None, pair: str | None = None) -> tuple[Row, ...]:
    """The different rows of a file, in its order.

    :param path: ``.txt`` with a text a line, or a table.
    :param text: the table's column of texts; by default ``text``, or the only one.
    :param pair: its column of second texts; none unless it is named.
    :raises UsageError: if a column is not there, or a text file is said to have any.
    :raises InputError: if the file or a text cannot be read, or there is none.
    """
    if format_of(str(path)) is None:
        if path.suffix.lower() != ".txt":
            raise InputError(
                f"{path}: the ending does not say what kind of file this is.",
                f"Use .txt with a text a line, or a table: {ENDINGS}.",
            )
        if text is not None or pair is not None:
            raise UsageError(f"{path} is a text file, which has no columns.", "Give a table, or no columns.")
        found = [check_row(line.rstrip("\r\n")) for _, line in read_lines(path)]
    else:
        found = _of_table(path, text, pair)
    if not found:
        raise InputError(f"{path} holds no texts.", "Give a few dozen texts of the kind the skill is for.")
    return tuple(dict.fromkeys(found))


def _of_table(path: Path, text: str | None, pair: str | None) -> list[Row]:
    table = open_table(path)
    first = text or (table.columns[0] if len(table.columns) == 1 else "text")
    for column in (first, *([pair] if pair is not None else [])):
        if column not in table.columns:
            raise UsageError(f"{path} has no column {column!r}.", did_you_mean(column, table.columns))
    at = table.columns.index(first)
    second = None if pair is None else table.columns.index(pair)
    return [
        check_row(row[at], None if second is None else row[second])
        for batch in table.batches()
        for row in batch.rows
        if row[at].strip()
    ]
