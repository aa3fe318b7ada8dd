"""From counts to weights: sublinear term frequency, inverse document frequency, blocks of length one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from skillstack.routers.features import BUCKETS, PAIR, HashedRows
from skillstack.routers.hashing import BLOCK


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
