"""The rules by which a column is taken for labels or texts; where two could be meant, neither is."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from skillstack.errors import UsageError
from skillstack.tables.profile import MAX_GUESSED_LABELS, Profile
from skillstack.tables.table import Table

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
    labels = set(known)
    within = [p for p in others if p.values and not p.uncounted and set(p.values) <= labels]
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
