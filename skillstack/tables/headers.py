"""Whether the first row of a table is a header at all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from skillstack.errors import InputError
from skillstack.tables.profile import Profile, as_number
from skillstack.tables.rules import LABEL_NAMES, TEXT_NAME
from skillstack.tables.table import Table

#: A name of more words or characters than this is a sentence.
MAX_NAME_WORDS = 7
MAX_NAME_CHARACTERS = 60

#: A name of more words is a sentence where no name in the row is a usual one.
MAX_STRANGE_WORDS = 3
#: Names that columns usually have; one of them is enough to know a header.
USUAL_NAMES = frozenset(
    (
        *(TEXT_NAME, *LABEL_NAMES, "text_pair", "texts", "labels", "categories", "classes", "intents"),
        *(
            "body",
            "comments",
            "content",
            "date",
            "description",
            "gold",
            "id",
            "idx",
            "index",
            "input",
            "kind",
        ),
        *("lang", "language", "messages", "name", "number", "hypothesis", "premise", "prompt", "query"),
        *("queue", "rating", "score", "sentence", "sentence1", "sentence2", "sentiment", "source", "split"),
        *("subject", "summary", "tags", "team", "timestamp", "title", "topic", "type", "url", "utterance"),
        *("words", "column_1"),
    )
)

#: A common name for the labels, and a common label.
_YES = "y"
_HINT = (
    "Put a first row such as text,label above the rows; "
    "if this is the header, name the columns with --text-column and --label-column."
)


def check_header(table: Table, columns: Iterable[Profile], *, named: bool = False) -> None:
    """Refuse a first row that looks like data: fields of JSON lines and Parquet always have names.

    :param named: whether a person has named one of its columns, so that it is known to be a header.
    :raises InputError: if a name is a number or a sentence, or stands among the values of its own column.
    """
    if table.format.kind not in ("csv", "tsv"):
        return
    words = MAX_STRANGE_WORDS if not named and assumed_header(table) else MAX_NAME_WORDS
    for column in columns:
        name = column.name.strip()
        if column.named_within and name.lower() != _YES:
            why = f"{name[:60]!r} stands there and again among the values below it"
        elif as_number(name) is not None:
            why = f"{name[:60]!r} is a number"
        elif len(name.split()) > words or len(name) > MAX_NAME_CHARACTERS:
            shown = name if len(name) <= MAX_NAME_CHARACTERS else f"{name[:MAX_NAME_CHARACTERS]}..."
            why = f"{shown!r} reads like a text"
        else:
            continue
        raise InputError(f"{table.path} seems to have no header: in its first row, {why}.", _HINT)


def assumed_header(table: Table) -> tuple[str, ...]:
    """The first row, where nothing shows that it is a header: no name in it is a usual one. Else nothing."""
    if table.format.kind not in ("csv", "tsv"):
        return ()
    return () if any(name.strip().lower() in USUAL_NAMES for name in table.columns) else table.columns


def header_note(names: Sequence[str]) -> str:
    """What people should know of a first row that is assumed to be a header."""
    shown = ", ".join(repr(name[:30]) for name in names[:3])
    return f"First row taken as header: {shown}{', ...' if len(names) > 3 else ''}."
