"""Which labels are taken for which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Confusion:
    """Rows of one label that were given another.

    :ivar label: the right one.
    :ivar answer: the one that was given.
    :ivar rows: how many.
    :ivar of: rows of the right label.
    :ivar examples: some of their texts, the first that came.
    """

    label: str
    answer: str
    rows: int
    of: int
    examples: tuple[str, ...]


def confusions(
    right: Sequence[str], answers: Sequence[str], texts: Sequence[str], *, most: int = 5, examples: int = 2
) -> tuple[Confusion, ...]:
    """The most frequent confusions, the most frequent first.

    :param right: the right label of each row.
    :param answers: the label that was given to it.
    :param texts: what it says.
    :param most: confusions at most.
    :param examples: texts of each at most.
    """
    found: dict[tuple[str, str], list[str]] = {}
    for label, answer, text in zip(right, answers, texts, strict=True):
        if label != answer:
            found.setdefault((label, answer), []).append(text)
    ordered = sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))
    return tuple(
        Confusion(label, answer, len(rows), sum(one == label for one in right), tuple(rows[:examples]))
        for (label, answer), rows in ordered[:most]
    )
