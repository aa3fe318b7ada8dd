"""The linear support vector machine: fitted by scikit-learn, evaluated by numpy."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skillstack.routers.blocks import StoredCoefficients
from skillstack.routers.features import MORE_BREAKS, ONE_BREAK, HashedRows, join
from skillstack.routers.parameters import Parameters
from skillstack.routers.rounding import combine, split
from skillstack.routers.samples import SkillSamples
from skillstack.routers.weighting import Weighted, Weighting

#: In memory, or on disk where there are very many.
Coefficients = NDArray[np.float32] | StoredCoefficients


@dataclass(frozen=True)
class LinearModel:
    """One linear score per skill, one against the rest.

    :ivar weighting: how counts become features.
    :ivar coefficients: float32 [features, skills], rounded as `rounding` does.
    :ivar intercepts: float32 [skills].
    """

    weighting: Weighting
    coefficients: Coefficients
    intercepts: NDArray[np.float32]

    def scores(self, rows: HashedRows) -> NDArray[np.float32]:
        """The scores, float32 [rows, skills]. Each row's are the same whatever stands beside it."""
        weighted = self.weighting.weigh(rows)
        values = weighted.values.astype(np.float32)
        scores = np.empty((len(rows), len(self.intercepts)), dtype=np.float32)
        # One small product per row keeps its coefficients in the cache; `take` beats indexing by far.
        for row, (begin, end) in enumerate(pairwise(weighted.indptr.tolist())):
            scores[row] = values[begin:end] @ self.coefficients.take(weighted.columns[begin:end], axis=0)
        scores += self.intercepts
        return scores


@dataclass(frozen=True)
class TrainingSet:
    """All sample rows in canonical order: by content, then by skill.

    :ivar rows: the rows.
    :ivar labels: int64 [rows], position of the skill among the names in alphabetical order.
    :ivar keys: `HashedRows.row_keys` of the rows.
    """

    rows: HashedRows
    labels: NDArray[np.int64]
    keys: tuple[bytes, ...]

    @classmethod
    def of(cls, samples: Sequence[SkillSamples]) -> TrainingSet:
        """The training set of these samples, the same whatever their order."""
        rank = alphabetical(samples)
        labels = np.concatenate([np.full(len(s.rows), r) for s, r in zip(samples, rank, strict=True)])
        rows = join([s.rows for s in samples])
        keys = rows.row_keys()
        order = sorted(range(len(keys)), key=lambda i: (keys[i], labels[i]))
        where = np.array(order, dtype=np.int64)
        return cls(rows.take(where), labels[where], tuple(keys[i] for i in order))

    def take(self, where: NDArray[np.int64]) -> TrainingSet:
        """These rows in this order."""
        return TrainingSet(self.rows.take(where), self.labels[where], tuple(self.keys[i] for i in where))


def alphabetical(samples: Sequence[SkillSamples]) -> list[int]:
    """Of each skill, its position among the names in alphabetical order."""
    names = sorted(s.skill for s in samples)
    return [names.index(s.skill) for s in samples]


def fit_linear(
    training: TrainingSet, skills: int, parameters: Parameters, tolerance: float = 1e-4
) -> LinearModel:
    """The model of ``skills`` classes, in the order of the training set's labels.

    A row with line breaks is trained on twice, the second time without its flag, so that texts of its kind
    are recognised on one line too.

    :param tolerance: at which the solver stops; scores are good to about a tenth of it.
    """
    weighting = Weighting.of(training.rows, float(parameters.words), float(parameters.flags))
    if skills == 1:
        return LinearModel(
            weighting, np.zeros((len(weighting.buckets), 1), np.float32), np.ones(1, np.float32)
        )
    rows, labels = with_plain_copies(training.rows, training.labels)
    svm = solve(weighting.weigh(rows), labels, len(weighting.buckets), parameters, tolerance)
    coefficients, intercepts = svm.coef_.T, svm.intercept_
    if skills == 2:
        # scikit-learn keeps one column for two classes: the second one's.
        coefficients = np.concatenate([-coefficients, coefficients], axis=1)
        intercepts = np.concatenate([-intercepts, intercepts])
    rounded = combine(*split(np.ascontiguousarray(coefficients)))
    return LinearModel(weighting, rounded, intercepts.astype(np.float32))


def with_plain_copies(rows: HashedRows, labels: NDArray[np.int64]) -> tuple[HashedRows, NDArray[np.int64]]:
    """The rows, and behind them those with line breaks once more, without the flag that says so."""
    flagged = (rows.buckets == ONE_BREAK) | (rows.buckets == MORE_BREAKS)
    broken = np.unique(rows.owners()[flagged])
    return join([rows, rows.take(broken).without(ONE_BREAK, MORE_BREAKS)]), np.concatenate(
        [labels, labels[broken]]
    )


def solve(
    weighted: Weighted,
    labels: NDArray[np.int64],
    features: int,
    parameters: Parameters,
    tolerance: float = 1e-4,
) -> Any:
    """A fitted ``sklearn.svm.LinearSVC``."""
    from scipy.sparse import csr_matrix
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.svm import LinearSVC

    shape = (len(labels), features)
    matrix = csr_matrix((weighted.values, weighted.columns, weighted.indptr), shape=shape)
    svm = LinearSVC(
        C=float(parameters.c),
        class_weight="balanced",
        random_state=parameters.seed,
        tol=tolerance,
        dual=True,
    )
    with warnings.catch_warnings():
        # A few hundred steps more would change scores in the fourth digit.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return svm.fit(matrix, labels)
