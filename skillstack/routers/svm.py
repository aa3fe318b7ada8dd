"""The linear support vector machine: tf-idf weights, fitted by scikit-learn, evaluated by numpy."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skillstack.routers.base import Parameters, SkillSamples
from skillstack.routers.blocks import StoredCoefficients, combine, split
from skillstack.routers.features import BLOCK, BUCKETS, MORE_BREAKS, ONE_BREAK, PAIR, HashedRows, join


@dataclass(frozen=True)
class Weighted:
    """Weighted features of some rows, entry by entry in the order of rows.

    :ivar indptr: int64 [rows + 1], as of compressed sparse rows.
    :ivar columns: int32 [entries], positions among the buckets seen in training.
    :ivar values: float64 [entries].
    """

    indptr: NDArray[np.int64]
    columns: NDArray[np.int32]
    values: NDArray[np.float64]


@dataclass(frozen=True)
class Weighting:
    """What training rows tell about buckets.

    A count c becomes (1 + ln c) * (1 + ln((1 + rows) / (1 + df))), where df is the number of training rows
    that have the bucket: scikit-learn's ``sublinear_tf`` and ``smooth_idf``
    (https://scikit-learn.org/stable/modules/feature_extraction.html#tfidf-term-weighting). Then each block is
    divided by its Euclidean length, and the block of words multiplied by its weight. A flag weighs the same
    wherever it stands. Buckets that no training row has are left out, before lengths are taken.

    :ivar rows: number of training rows.
    :ivar buckets: uint32 [features], those seen in training, ascending.
    :ivar frequencies: uint32 [features], training rows that have each.
    :ivar words: weight of the block of words.
    :ivar flags: weight of a flag.
    """

    rows: int
    buckets: NDArray[np.uint32]
    frequencies: NDArray[np.uint32]
    words: float
    flags: float

    @classmethod
    def of(cls, rows: HashedRows, words: float, flags: float) -> Weighting:
        """The weighting that these training rows give."""
        frequencies = np.bincount(rows.buckets, minlength=BUCKETS)
        buckets = np.flatnonzero(frequencies)
        return cls(len(rows), buckets.astype(np.uint32), frequencies[buckets].astype(np.uint32), words, flags)

    @cached_property
    def idf(self) -> NDArray[np.float64]:
        """Inverse document frequency, float64 [features]."""
        return np.asarray(1.0 + np.log((1.0 + self.rows) / (1.0 + self.frequencies)))

    @cached_property
    def _familiarity(self) -> NDArray[np.float32]:
        table = np.zeros(BUCKETS, dtype=np.float32)
        table[self.buckets] = np.log1p(self.frequencies) / (1.0 + np.log1p(self.rows))
        return table

    def familiarity(self, rows: HashedRows) -> NDArray[np.float64]:
        """How common the n-grams of rows are among the training rows, float64 [rows], from 0 to below 1.

        The mean of ln(1 + df) over a row's n-grams, divided by the idf of one that no training row has: 0
        where all are unknown. Each row's is the same whatever stands beside it.
        """
        starts, lengths = rows.indptr[:-1], rows.indptr[1:] - rows.indptr[:-1]
        means = np.zeros(len(rows))
        filled = np.flatnonzero(lengths)
        if len(filled):
            known = self._familiarity.take(rows.buckets)
            sums = np.add.reduceat(known, starts.take(filled), dtype=np.float64)
            means[filled] = sums / lengths.take(filled)
        return means

    @cached_property
    def _columns(self) -> NDArray[np.int32]:
        table = np.full(BUCKETS, -1, dtype=np.int32)
        table[self.buckets] = np.arange(len(self.buckets), dtype=np.int32)
        return table

    def weigh(self, rows: HashedRows) -> Weighted:
        """The weighted features of rows."""
        # `take` is several times as fast here as indexing with an array.
        columns = self._columns.take(rows.buckets)
        kept = np.flatnonzero(columns >= 0)
        indptr = np.searchsorted(kept, rows.indptr).astype(np.int64)
        columns, buckets, counts = columns.take(kept), rows.buckets.take(kept), rows.counts.take(kept)
        values = _LOGS.take(np.minimum(counts, len(_LOGS) - 1))
        many = np.flatnonzero(counts >= len(_LOGS))
        values[many] = 1.0 + np.log(counts[many])
        values *= self.idf.take(columns)
        # Buckets ascend within a row, so its words, characters and flags are three runs of entries.
        ends = np.empty((len(rows), 3), dtype=np.int64)
        for block, limit in enumerate((BLOCK, PAIR)):
            below = np.concatenate([np.zeros(1, np.int64), np.cumsum(buckets < limit, dtype=np.int64)])
            ends[:, block] = indptr[:-1] + below.take(indptr[1:]) - below.take(indptr[:-1])
        ends[:, 2] = indptr[1:]
        lengths = np.diff(ends.ravel(), prepend=0)
        scale = np.tile([self.words, 1.0, 0.0], len(rows))
        filled = np.flatnonzero(lengths)
        if len(filled):
            squares = np.add.reduceat(values * values, ends.ravel()[filled] - lengths[filled])
            scale[filled] /= np.sqrt(squares)
        values *= np.repeat(scale, lengths)
        values[buckets >= PAIR] = self.flags
        return Weighted(indptr, columns, values)


# 1 + ln c for small counts; the entry at 0 is never used.
_LOGS = np.concatenate([[0.0], 1.0 + np.log(np.arange(1, 64))])

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
    features = len(weighting.buckets)
    svm = solve(weighting.weigh(rows), labels, features, float(parameters.c), tolerance, seed=parameters.seed)
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
    penalty: float,
    tolerance: float = 1e-4,
    *,
    balanced: bool = True,
    seed: int = 0,
) -> Any:
    """A fitted ``sklearn.svm.LinearSVC``.

    :param penalty: inverse strength of the regularisation.
    :param balanced: whether every class weighs the same, however many rows it has.
    """
    from scipy.sparse import csr_matrix
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.svm import LinearSVC

    shape = (len(labels), features)
    matrix = csr_matrix((weighted.values, weighted.columns, weighted.indptr), shape=shape)
    svm = LinearSVC(
        C=penalty,
        class_weight="balanced" if balanced else None,
        random_state=seed,
        tol=tolerance,
        dual=True,
    )
    with warnings.catch_warnings():
        # A few hundred steps more would change scores in the fourth digit.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return svm.fit(matrix, labels)
