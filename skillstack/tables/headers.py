"""Whether the first row of a table is a header at all."""

from __future__ import annotations

from collections.abc import Iterable

from skillstack.errors import InputError
from skillstack.tables.profile import Profile, as_number
from skillstack.tables.table import Table

#: A name of more words or characters than this is a sentence.
MAX_NAME_WORDS = 7
MAX_NAME_CHARACTERS = 60

#: A common name for the labels, and a common label.
_YES = "y"
_HINT = (
    "Put a first row such as text,label above the rows; "
    "if this is the header, name the columns with --text-column and --label-column."
)


def check_header(table: Table, columns: Iterable[Profile]) -> None:
    """Refuse a first row that looks like data: fields of JSON lines and Parquet always have names.

    :raises InputError: if a name is a number or a sentence, or stands among the values of its own column.
    """
    if table.format.kind not in ("csv", "tsv"):
        return
    for column in columns:
        name = column.name.strip()
        if column.named_within and name.lower() != _YES:
            why = f"{name[:60]!r} stands there and again among the values below it"
        elif as_number(name) is not None:
            why = f"{name[:60]!r} is a number"
        elif len(name.split()) > MAX_NAME_WORDS or len(name) > MAX_NAME_CHARACTERS:
            why = f"{name[:60] + '...'!r} reads like a text"
        else:
            continue
        raise InputError(f"{table.path} seems to have no header: in its first row, {why}.", _HINT)
