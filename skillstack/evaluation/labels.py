"""How a task's labels fare: precision, recall and F1 of each, and which label is given in place of which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: ``counts[right][given]``: rows of a label that were given a label.
Counts = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class LabelScore:
    """How well one label is told from the others (van Rijsbergen 1979).

    :ivar precision: share of the rows given this label that have it; None where none was given it.
    :ivar recall: share of the rows of this label that were given it; None where there are none.
    :ivar f1: their harmonic mean, ``2 tp / (2 tp + fp + fn)``; None where the label does not occur at all.
    :ivar support: rows of this label.
    """

    label: str
    precision: float | None
    recall: float | None
    f1: float | None
    support: int


@dataclass(frozen=True)
class LabelConfusion:
    """Rows by the label that they have and the label that they were given.

    :ivar labels: names, in the order of the counts.
    :ivar counts: ``[right][given]``.
    """

    labels: tuple[str, ...]
    counts: Counts

    @classmethod
    def of(cls, labels: Sequence[str], right: NDArray[np.int64], given: NDArray[np.int64]) -> LabelConfusion:
        """Count the rows of each pair of labels.

        :param labels: names of the labels.
        :param right: ``[rows]``, the right label of each, a place in ``labels``.
        :param given: ``[rows]``, the label that was given; every row has one.
        :raises ValueError: where rows do not match, or a label is out of range.
        """
        classes = len(labels)
        if right.shape != given.shape or right.ndim != 1:
            raise ValueError(f"{right.shape} labels and {given.shape} answers are not one row each")
        if right.size and (min(right.min(), given.min()) < 0 or max(right.max(), given.max()) >= classes):
            raise ValueError(f"a label or an answer is none of {classes} classes")
        counts = np.bincount(right * classes + given, minlength=classes * classes)
        return cls(tuple(labels), tuple(map(tuple, counts.reshape(classes, classes).tolist())))

    @property
    def scores(self) -> tuple[LabelScore, ...]:
        """How well each label is told from the others, in the order of the labels."""
        named = [sum(column) for column in zip(*self.counts, strict=True)]
        return tuple(
            LabelScore(
                label=label,
                precision=_share(row[place], named[place]),
                recall=_share(row[place], sum(row)),
                # Twice the hits and all misses of a label are its rows plus the answers that name it.
                f1=_share(2 * row[place], sum(row) + named[place]),
                support=sum(row),
            )
            for place, (label, row) in enumerate(zip(self.labels, self.counts, strict=True))
        )

    @property
    def worst(self) -> tuple[LabelScore, ...]:
        """The scores of the labels that occur, the lowest F1 first; of equals that with more rows."""
        found = [(one.f1, -one.support, one) for one in self.scores if one.f1 is not None]
        return tuple(one for _, _, one in sorted(found, key=lambda item: item[:2]))

    @property
    def mistakes(self) -> tuple[tuple[str, str, int, int], ...]:
        """Pairs of labels that were confused: right label, answer, rows, rows of the right label.

        The most frequent comes first.
        """
        found = [
            (self.labels[right], self.labels[given], rows, sum(line))
            for right, line in enumerate(self.counts)
            for given, rows in enumerate(line)
            if rows and right != given
        ]
        return tuple(sorted(found, key=lambda pair: (-pair[2], pair[0], pair[1])))


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
