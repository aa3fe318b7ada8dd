"""How often answers are right: of one task, and over tasks."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

#: ``[rows]``: which answers are right.
Mask = NDArray[np.bool_]

#: The answer of a row that nobody answered: wrong, and of no class.
NO_ANSWER = -1


def accuracy(right: Mask) -> float:
    """Share of right answers, 0 to 1; 0 without rows."""
    return int(np.count_nonzero(right)) / len(right) if len(right) else 0.0


def macro_f1(
    labels: Sequence[int] | NDArray[np.int_], answers: Sequence[int] | NDArray[np.int_], classes: int
) -> float:
    """Unweighted mean of the classes' F1 (van Rijsbergen 1979), 0 to 1; 0 without rows.

    A class counts if it occurs among the labels or the answers; its F1 is ``2 tp / (2 tp + fp + fn)``.

    :param labels: ``[rows]``, the right class of each, 0 to ``classes - 1``.
    :param answers: ``[rows]``, the class that was given, or `NO_ANSWER`.
    :param classes: how many classes the task has.
    :raises ValueError: where rows do not match, or a class is out of range.
    """
    right, given = np.asarray(labels, np.int64), np.asarray(answers, np.int64)
    if right.shape != given.shape or right.ndim != 1:
        raise ValueError(f"{right.shape} labels and {given.shape} answers are not one row each")
    if not right.size:
        return 0.0
    if right.min() < 0 or given.min() < NO_ANSWER or max(right.max(), given.max()) >= classes:
        raise ValueError(f"a label or an answer is none of {classes} classes")
    hits = np.bincount(right[right == given], minlength=classes)
    # Twice the hits and all misses of a class are its rows plus the answers that name it.
    named = np.bincount(right, minlength=classes) + np.bincount(given[given != NO_ANSWER], minlength=classes)
    occurs = named > 0
    return float(np.mean(2 * hits[occurs] / named[occurs]))


def macro(values: Sequence[float]) -> float:
    """Plain mean over tasks, however many rows each has; 0 without tasks."""
    return math.fsum(values) / len(values) if len(values) else 0.0
