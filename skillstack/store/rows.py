"""A row of input: one text, and for pair tasks a second one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from skillstack.errors import InputError

if TYPE_CHECKING:
    from skillstack.store.records import Skill

#: Longest text, in characters, that is looked at at all. Longer ones are refused: nobody means to
#: classify ten million characters as one text, and every later step would pay for them.
MAX_CHARACTERS = 2_000_000


@dataclass(frozen=True, slots=True)
class Row:
    """One input.

    :ivar text: the text, or the first of a pair.
    :ivar text_pair: the second text of a pair task, else None.
    """

    text: str
    text_pair: str | None = None

    @property
    def has_pair(self) -> bool:
        """Whether there is a second text."""
        return self.text_pair is not None

    @property
    def joined(self) -> str:
        """What a router reads: the text, or both texts with a newline between."""
        return self.text if self.text_pair is None else f"{self.text}\n{self.text_pair}"

    def digest(self) -> str:
        """SHA-256 (hex) over the UTF-8 texts, separated by a NUL, which no text may contain."""
        joined = self.text if self.text_pair is None else f"{self.text}\0{self.text_pair}"
        return hashlib.sha256(joined.encode("utf-8")).hexdigest()


def check_row(text: object, text_pair: object = None) -> Row:
    """A row of these texts.

    :raises InputError: if a text is empty, no string, too long, or holds NUL or a lone surrogate.
    """
    _check_text(text, "The text")
    if text_pair is not None:
        _check_text(text_pair, "The second text")
    return Row(text, text_pair)  # type: ignore[arg-type]


def check_rows(rows: object) -> tuple[list[Row], bool]:
    """The rows of a question, and whether it was a single one.

    :param rows: a text, a `Row`, or several of them in an order: a list, a column of a data frame, an array.
    :raises InputError: if it is none of these, or a text is empty or cannot be read.
    """
    if isinstance(rows, Row):
        return [check_row(rows.text, rows.text_pair)], True
    if isinstance(rows, str):
        return [check_row(rows)], True
    each = (row for row in values_of(rows, "texts"))
    return [check_row(r.text, r.text_pair) if isinstance(r, Row) else check_row(r) for r in each], False


def values_of(column: Any, what: str) -> list[Any]:
    """The values of a list, or of a column of a data frame or data set.

    :param what: the values, as errors name them.
    :raises InputError: if it is no column: a mapping, a whole table, nothing, or a number.
    """
    if hasattr(column, "columns") or hasattr(column, "column_names"):
        raise InputError(f"A whole table stands where {what} should.", 'Give one column: table["text"].')
    if isinstance(column, (str, bytes, Mapping, Set)) or not isinstance(column, Iterable):
        raise InputError(
            f"A value of the type {type(column).__name__} stands where {what} should.",
            "Give a list, or a column of a data frame.",
        )
    for method in ("to_pylist", "to_list", "tolist"):  # of Arrow, of data frames, of arrays
        if hasattr(column, method):
            found = getattr(column, method)()
            return found if isinstance(found, list) else [found]
    return list(column)


def check_pair(row: Row, skill: Skill) -> None:
    """See that a skill can read a row.

    :raises InputError: if one of them has a second text and the other none.
    """
    if skill.pair and not row.has_pair:
        raise InputError(
            f"The skill {skill.name!r} reads two texts, and there is one.",
            "Give the second with --text-pair.",
        )
    if row.has_pair and not skill.pair:
        raise InputError(
            f"The skill {skill.name!r} reads one text, and there are two.", "Leave the second text out."
        )


def _check_text(text: object, what: str) -> None:
    if not isinstance(text, str):
        raise InputError(f"{what} is not a string but {type(text).__name__}.", "Give it as text.")
    if not text.strip():
        raise InputError(f"{what} is empty.", "Give at least one word.")
    if len(text) > MAX_CHARACTERS:
        raise InputError(
            f"{what} has {len(text):,} characters; at most {MAX_CHARACTERS:,} are accepted.",
            "Split it, or pass the part that matters.",
        )
    if "\0" in text:
        raise InputError(f"{what} contains a NUL character.", "Remove it; it is no part of any text.")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InputError(
            f"{what} contains a lone surrogate at character {error.start}.",
            "It was decoded wrongly; read the source as UTF-8.",
        ) from None
