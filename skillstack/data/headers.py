"""What a column holds, the rules by which it is taken for texts or labels, and whether a header is one."""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from skillstack.errors import InputError, UsageError

if TYPE_CHECKING:
    from skillstack.data.tables import Table

#: More labels than this are no classes that a person would name.
MAX_LABELS = 1_000

#: Characters of a label.
MAX_LABEL_CHARACTERS = 200

#: Values of a column that is taken for the labels without being called so.
MAX_GUESSED_LABELS = 200


@dataclass
class Profile:
    """One column.

    :ivar name: its name.
    :ivar values: rows of each different value, as labels count (:func:`same_label`), as long as there are at
        most 1,001 and none is longer than a label; else empty.
    :ivar filled: rows in which it is not empty.
    :ivar characters: characters of all cells.
    :ivar uncounted: whether there are too many values, or one is too long for a label.
    :ivar long: whether a value is too long for a label.
    :ivar named_within: whether its name is one of its values.
    :ivar numeric: whether all its values are numbers.
    :ivar fractional: whether one of them is a number with a fraction.
    """

    name: str
    values: Counter[str] = field(default_factory=Counter)
    filled: int = 0
    characters: int = 0
    uncounted: bool = False
    long: bool = False
    named_within: bool = False
    numeric: bool = True
    fractional: bool = False

    def add(self, cell: str) -> None:
        """Count one cell."""
        value = cell.strip()
        if not value:
            return
        self.filled += 1
        self.characters += len(value)
        if value == self.name.strip():
            self.named_within = True
        if self.numeric or self.fractional:
            self._weigh(value)
        self.long = self.long or len(value) > MAX_LABEL_CHARACTERS
        if self.uncounted:
            return
        if not self.long:
            self.values[same_label(value)] += 1
        if self.long or len(self.values) > MAX_LABELS:
            self.uncounted = True
            self.values.clear()

    def _weigh(self, value: str) -> None:
        number = as_number(value)
        if number is None:
            self.numeric = self.fractional = False
        elif self.numeric and not number.is_integer():
            self.fractional = True

    @property
    def mean_length(self) -> float:
        """Characters of a cell that is not empty, on average."""
        return self.characters / self.filled if self.filled else 0.0

    @property
    def repeats(self) -> bool:
        """Whether it could hold labels: 2 to 200 values, and most rows share theirs with another row."""
        if self.uncounted or not 2 <= len(self.values) <= MAX_GUESSED_LABELS:
            return False
        shared = sum(count for count in self.values.values() if count > 1)
        return 2 * shared >= self.filled


#: Spaces of all kinds. Line breaks and tabs are none: a label that holds one is refused.
_BLANKS = re.compile(r"[ \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]+")


def same_label(cell: str) -> str:
    """A label as it counts: its characters composed (NFC), blanks around it removed, others single."""
    text = cell.strip()
    if text.isascii() and "  " not in text:
        return text
    return unicodedata.normalize("NFC", _BLANKS.sub(" ", text))


def as_number(value: str) -> float | None:
    """The number that this text is; None if it is none, or no finite one."""
    if not (value[0].isdecimal() or value[0] in "+-.") or "_" in value:
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def twin_key(label: str) -> str:
    """What labels share that differ only in case, or in how a number is written."""
    number = as_number(label)
    return label.casefold() if number is None else repr(number)


LABEL_NAMES = ("label", "class", "category", "target", "intent", "y")
TEXT_NAME = "text"

#: A text column whose cells are on average this share as long as those of the longest could be meant as well.
CLOSE = 0.8


@dataclass(frozen=True)
class Reason:
    """Why a column was taken.

    :ivar role: "text", "pair" or "label".
    :ivar column: its name.
    :ivar why: part of a sentence.
    """

    role: str
    column: str
    why: str


def find_label(table: Table, others: Sequence[Profile], known: Collection[str] = ()) -> Reason:
    """The column that is called as labels are, else the only one whose values repeat.

    :param known: labels, if they are known: a column that holds nothing else comes before others that repeat.
    :raises UsageError: if there is none, or more than one.
    """
    named = [profile for profile in others if profile.name.strip().lower() in LABEL_NAMES]
    keys = set(map(twin_key, known))
    within = [p for p in others if p.values and not p.uncounted and set(map(twin_key, p.values)) <= keys]
    found = named or within or [profile for profile in others if profile.repeats]
    if len(found) == 1:
        (chosen,) = found
        why = (
            "by its name"
            if named
            else "the only column of labels that are known"
            if within
            else f"the only column with 2 to {MAX_GUESSED_LABELS} values that repeat ({len(chosen.values)})"
        )
        return Reason("label", chosen.name, why)
    if not found:
        raise UsageError(
            f"{table.path}: no column is called {', '.join(LABEL_NAMES[:-1])} or {LABEL_NAMES[-1]}, and none "
            f"has 2 to {MAX_GUESSED_LABELS} values that repeat.",
            f"Name it with --label-column. {_list(others)}",
        )
    raise UsageError(
        f"{table.path}: {_quoted(found)} could each hold the labels.",
        f"Choose with --label-column{_and_text(found, others)}.",
    )


def find_longest(table: Table, others: Sequence[Profile]) -> Reason:
    """The column of texts, not of numbers, whose cells are longest on average.

    :raises UsageError: if there is none, another comes close, or another is called ``text``.
    """
    texts = [profile for profile in others if profile.filled and not profile.numeric]
    if not texts:
        raise UsageError(
            f"{table.path}: no column but those already taken holds texts.",
            f"Name it with --text-column. {_list(others)}",
        )
    # Equal lengths are a tie whatever their order, so only the lengths decide.
    longest, *rest = sorted(texts, key=lambda profile: -profile.mean_length)
    close = [
        profile
        for profile in rest
        if profile.mean_length >= CLOSE * longest.mean_length or profile.name.strip().lower() == TEXT_NAME
    ]
    if close:
        raise UsageError(
            f"{table.path}: {_quoted([longest, *close])} could each hold the texts.",
            "Choose with --text-column; --pair-column names second texts, if there are any.",
        )
    why = f"the longest on average ({longest.mean_length:.0f} characters"
    if rest:
        why += f"; the next, {rest[0].name[:40]!r}, has {rest[0].mean_length:.0f}"
    return Reason("text", longest.name, f"{why})" if rest else "the only column with texts")


def _quoted(profiles: Sequence[Profile]) -> str:
    names = [repr(profile.name[:40]) for profile in profiles]
    if len(names) > 6:
        return f"{', '.join(names[:5])} and {len(names) - 5} more columns"
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _list(profiles: Sequence[Profile]) -> str:
    names = [repr(profile.name[:40]) for profile in profiles[:10]]
    return f"Columns: {', '.join(names)}{', ...' if len(profiles) > 10 else '.'}"


def _and_text(found: Sequence[Profile], others: Sequence[Profile]) -> str:
    """A text column may be among them, where texts repeat."""
    longest = max(others, key=lambda profile: profile.mean_length)
    return ", or say with --text-column (and --pair-column) which hold texts" if longest in found else ""


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
