"""Labels of a table: which known ones they are, and what people should know of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from skillstack.data.headers import twin_key

#: What other programs write for a missing value, in lower case.
_MISSING = frozenset(("nan", "none", "null", "nil", "na", "n/a", "#n/a", "<na>", "nat"))
#: Separators of several labels in one cell.
_JOINTS = ";|,"
_MOST_NAMED = 6


def known_as(label: str, known: Mapping[str, int]) -> str | None:
    """The known label that this one is: itself, else its only twin by case or as a number.

    Formats write the same value differently: ``True`` and ``true``, ``1`` and ``1.0``.
    """
    if label in known:
        return label
    twins = [one for one in known if twin_key(one) == twin_key(label)]
    return twins[0] if len(twins) == 1 else None


def label_notes(labels: Sequence[str]) -> tuple[str, ...]:
    """What people should know of these labels, a sentence each."""
    by_key: defaultdict[str, list[str]] = defaultdict(list)
    for label in labels:
        by_key[twin_key(label)].append(label)
    twins = [" and ".join(map(repr, found)) for found in by_key.values() if len(found) > 1]
    missing = [label for label in labels if label.casefold() in _MISSING]
    notes = []
    if twins:
        notes.append(f"Labels that differ only in case or in how a number is written: {_some(twins)}.")
    if missing:
        notes.append(
            f"Labels that may stand for a missing value: {_some(map(repr, missing))}; "
            "--drop-label NAME leaves one out."
        )
    for joint in _JOINTS:
        joined = [label for label in labels if len([p for p in label.split(joint) if p.strip()]) > 1]
        parts = {part.strip() for label in joined for part in label.split(joint)}
        if (
            len(labels) > 2
            and 2 * len(joined) > len(labels)
            and len(parts) < sum(label.count(joint) + 1 for label in joined)
        ):
            notes.append(
                f"{len(joined)} of {len(labels)} labels are combinations joined by {joint!r}; "
                "each is learned as a label of its own."
            )
            break
    return tuple(notes)


def _some(named: Iterable[str]) -> str:
    shown = list(named)
    more = f", and {len(shown) - _MOST_NAMED} more" if len(shown) > _MOST_NAMED else ""
    return ", ".join(shown[:_MOST_NAMED]) + more
