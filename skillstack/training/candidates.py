"""Candidates for a frame: adapters and heads between which dev accuracy decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skillstack.frames.records import Count
from skillstack.models.heads import Head, fit_logistic

Floats = NDArray[np.float32]
#: Inverse penalties that a logistic head may have. Features of unit length times ten want weak heads when
#: there are 48 rows a class, and standardised ones weaker heads still.
PENALTIES: tuple[float, ...] = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)


@dataclass(frozen=True, eq=False)
class Candidate:
    """An adapter and a head that could be the frame.

    :ivar name: how it came to be: ``frozen-linear``, ``start``, ``epoch 3``, ``average``, ``refit``, ...
    :ivar adapter: tensors by their PEFT names; None for the bare base.
    :ivar head: the head.
    :ivar dev: dev accuracy.
    """

    name: str
    adapter: Mapping[str, Floats] | None
    head: Head
    dev: Count


def measure(head: Head, features: Floats, labels: Sequence[int]) -> Count:
    """Accuracy of a head on features ``[rows, hidden_size]``."""
    right = head.logits(features).argmax(axis=1) == np.asarray(labels)
    return Count(int(right.sum()), len(labels))


def best_logistic(
    train: Floats,
    train_labels: Sequence[int],
    dev: Floats,
    dev_labels: Sequence[int],
    n_classes: int,
    *,
    standardise: bool,
    penalties: Sequence[float] = PENALTIES,
) -> tuple[Head, Count]:
    """The logistic head whose penalty dev prefers, the strongest penalty of equals, with its dev accuracy."""
    found: tuple[Head, Count] | None = None
    for penalty in penalties:
        head = fit_logistic(train, train_labels, n_classes, penalty, standardise=standardise)
        count = measure(head, dev, dev_labels)
        if found is None or count.correct > found[1].correct:
            found = head, count
    if found is None:
        raise ValueError("no penalties to choose from")
    return found
