"""Weights follow scikit-learn's formula."""

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import TfidfTransformer

from skillstack.routers.features import BLOCK, BUCKETS, PAIR, HashedRows, hash_rows
from skillstack.routers.svm import Weighting
from skillstack.store.rows import Row


def dense(weighting: Weighting, rows: HashedRows) -> np.ndarray:
    weighted = weighting.weigh(rows)
    full = np.zeros((len(rows), BUCKETS))
    owners = np.repeat(np.arange(len(rows)), np.diff(weighted.indptr))
    full[owners, weighting.buckets[weighted.columns]] = weighted.values
    return full


def test_each_block_is_scikit_learns_tfidf(
    train_rows: dict[str, list[Row]], held_rows: dict[str, list[Row]]
) -> None:
    train, test = (hash_rows([r for rows in part.values() for r in rows]) for part in (train_rows, held_rows))
    ours = dense(Weighting.of(train, words=0.5, flags=0.3), test)
    matrices = [csr_matrix((r.counts, r.buckets, r.indptr), shape=(len(r), BUCKETS)) for r in (train, test)]
    for block, weight in ((slice(0, BLOCK), 0.5), (slice(BLOCK, PAIR), 1.0)):
        fitted, asked = (m.astype(float)[:, block] for m in matrices)
        seen = np.flatnonzero(fitted.sum(axis=0))
        theirs = TfidfTransformer(sublinear_tf=True).fit(fitted[:, seen]).transform(asked[:, seen])
        assert np.allclose(ours[:, block][:, seen], weight * theirs.toarray(), atol=1e-12)
        assert not np.delete(ours[:, block], seen, axis=1).any()


def test_flags_weigh_the_same_in_every_row() -> None:
    rows = hash_rows([Row("one", "two"), Row("three four five", "six"), Row("seven")])
    assert dense(Weighting.of(rows, 1.0, 0.3), rows)[:, PAIR].tolist() == [0.3, 0.3, 0.0]


def test_counts_beyond_the_table_use_the_same_formula() -> None:
    often = hash_rows([Row("so " * 500)])
    weighting = Weighting.of(often, 1.0, 1.0)
    values = weighting.weigh(often).values
    counts = often.counts.astype(float)
    block = often.buckets < BLOCK
    expected = 1 + np.log(counts[block])
    assert np.allclose(values[block], expected / np.linalg.norm(expected))


def test_a_row_of_unseen_ngrams_weighs_nothing() -> None:
    weighting = Weighting.of(hash_rows([Row("known")]), 1.0, 1.0)
    assert len(weighting.weigh(hash_rows([Row("zzz qqq")])).values) == 0
