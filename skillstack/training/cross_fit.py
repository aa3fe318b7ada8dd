"""The simple candidates for a skill: heads on frozen features and on n-grams, compared by folds.

Each row is answered by a fit that did not see it, so every row serves to choose and to calibrate, and every
row is learned from: what is returned was fitted again on all of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skillstack.models.heads import Head, fit_logistic
from skillstack.routers.base import probabilities
from skillstack.routers.calibration import fit_temperature
from skillstack.routers.features import HashedRows
from skillstack.skills.head_training import right_answers
from skillstack.skills.ngrams import NgramHead
from skillstack.store.records import Count

Floats = NDArray[np.float32]

#: Inverse penalties that the logistic head may have.
PENALTIES: tuple[float, ...] = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
#: Shares that n-grams may have in an average of logits.
SHARES: tuple[float, ...] = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
#: Folds, and fewer where there are so many rows that two thirds teach almost what four fifths would.
FOLDS, FEW_FOLDS, MANY_ROWS = 5, 3, 4096
#: The logit of a label that a fold's fit did not see.
_UNSEEN = -20.0


@dataclass(frozen=True, eq=False)
class SimpleCandidate:
    """Heads that were fitted in closed steps, without training an adapter.

    :ivar name: ``linear`` (a head on the frozen base), ``ngrams``, or ``average`` (the sum of both heads'
        logits).
    :ivar head: the head on features; None for n-grams alone.
    :ivar ngrams: the head on n-grams; None for features alone.
    :ivar unseen: calibrated logits ``[rows, labels]``, each row's by fits that did not see it.
    :ivar scale: what the logits of its head on features were multiplied with, so that they are calibrated.
    """

    name: str
    head: Head | None
    ngrams: NgramHead | None
    unseen: Floats
    scale: float = 1.0

    def count(self, labels: Sequence[int]) -> Count:
        """How many rows are answered rightly by fits that did not see them."""
        return Count(int(right_answers(self.unseen, labels).sum()), len(labels))


@dataclass(frozen=True, eq=False)
class Fold:
    """Rows to fit on and rows to answer.

    :ivar seen: positions of the rows to fit on.
    :ivar held: positions of the others.
    :ivar labels: of each row that is fitted on, the position of its label in ``present``.
    :ivar present: labels of which a row is fitted on, ascending.
    """

    seen: NDArray[np.int64]
    held: NDArray[np.int64]
    labels: list[int]
    present: NDArray[np.int64]


def fold_of_each(labels: Sequence[int]) -> NDArray[np.int64]:
    """The fold of each row: rows of a label take turns, so that each fold has its share of all labels."""
    folds = FOLDS if len(labels) < MANY_ROWS else FEW_FOLDS
    seen: defaultdict[int, int] = defaultdict(int)
    found = np.empty(len(labels), dtype=np.int64)
    for row, label in enumerate(labels):
        found[row] = (label + seen[label]) % folds
        seen[label] += 1
    return found


def linear(
    features: Floats, labels: Sequence[int], n_classes: int, *, standardise: bool = False
) -> SimpleCandidate:
    """The logistic regression on frozen features whose penalty gives the likeliest answers to unseen rows.

    :param features: ``[rows, hidden_size]``.
    :param standardise: see `fit_logistic`.
    """
    best: tuple[float, float, float, Floats] | None = None
    for penalty in PENALTIES:

        def answer(fold: Fold, penalty: float = penalty) -> Floats:
            rows = features[fold.seen]
            head = fit_logistic(rows, fold.labels, len(fold.present), penalty, standardise=standardise)
            return head.logits(features[fold.held])

        logits, temperature = calibrated(_unseen(labels, n_classes, answer), labels)
        loss = loss_of(logits, labels)
        if best is None or loss < best[0]:
            best = loss, penalty, temperature, logits
    if best is None:
        raise ValueError("no penalties to choose from")
    _, penalty, temperature, logits = best
    head = fit_logistic(features, labels, n_classes, penalty, standardise=standardise)
    return SimpleCandidate("linear", head.scaled(1 / temperature), None, logits, 1 / temperature)


def ngrams(rows: HashedRows, labels: Sequence[int], n_classes: int) -> SimpleCandidate:
    """The head on n-grams."""

    def answer(fold: Fold) -> Floats:
        head = NgramHead.fit(rows.take(fold.seen), fold.labels, len(fold.present))
        return head.of_hashed(rows.take(fold.held))

    logits, temperature = calibrated(_unseen(labels, n_classes, answer), labels)
    head = NgramHead.fit(rows, labels, n_classes)
    return SimpleCandidate("ngrams", None, head.scaled(1 / temperature), logits)


def average(one: SimpleCandidate, other: SimpleCandidate, labels: Sequence[int]) -> SimpleCandidate:
    """The weighted sum of two candidates' logits whose shares give the likeliest answers to unseen rows.

    A sum of logits is the product of both answers' probabilities, raised to their shares (T. Heskes,
    Selecting weighting factors in logarithmic opinion pools, NIPS 1997).

    :param one: a head on features.
    :param other: a head on n-grams.
    """
    best: tuple[float, float, float, Floats] | None = None
    for share in SHARES:
        logits = (1 - share) * one.unseen + share * other.unseen
        logits, temperature = calibrated(logits.astype(np.float32), labels)
        loss = loss_of(logits, labels)
        if best is None or loss < best[0]:
            best = loss, share, temperature, logits
    if best is None or one.head is None or other.ngrams is None:
        raise ValueError("an average needs a head on features and one on n-grams")
    _, share, temperature, logits = best
    return SimpleCandidate(
        "average",
        one.head.scaled((1 - share) / temperature),
        other.ngrams.scaled(share / temperature),
        logits,
        one.scale * (1 - share) / temperature,
    )


def calibrated(logits: Floats, labels: Sequence[int]) -> tuple[Floats, float]:
    """Logits ``[rows, labels]`` divided by their temperature, and the temperature."""
    temperature = fit_temperature(logits, np.asarray(labels, dtype=np.int64))
    return (logits / np.float32(temperature)).astype(np.float32), temperature


def loss_of(logits: Floats, labels: Sequence[int]) -> float:
    """Mean negative log-likelihood of the right labels."""
    right = probabilities(logits)[np.arange(len(labels)), np.asarray(labels)]
    return float(-np.log(np.clip(right, 1e-12, 1.0)).mean())


def _unseen(labels: Sequence[int], n_classes: int, answer: Callable[[Fold], Floats]) -> Floats:
    """Logits ``[rows, labels]`` of each row by a fit that did not see it.

    A fold that lacks a label, as it has few rows, is fitted on the others.

    :param answer: fits on the rows that a fold has seen; gives logits ``[held, present]`` of the others.
    """
    wanted, folds = np.asarray(labels, dtype=np.int64), fold_of_each(labels)
    logits = np.full((len(wanted), n_classes), _UNSEEN, dtype=np.float32)
    for number in range(int(folds.max(initial=0)) + 1):
        seen, held = np.flatnonzero(folds != number), np.flatnonzero(folds == number)
        present, local = np.unique(wanted[seen], return_inverse=True)
        if len(present) > 1 and len(held):
            logits[np.ix_(held, present)] = answer(Fold(seen, held, local.tolist(), present))
    return logits
