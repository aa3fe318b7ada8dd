"""Hashed rows hold exact counts, survive storage, and refuse what does not fit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillstack.errors import IntegrityError
from skillstack.routers.features import (
    BUCKETS,
    MORE_BREAKS,
    ONE_BREAK,
    PAIR,
    HashedRows,
    hash_rows,
    join,
    ngrams,
)
from skillstack.store import tensors
from skillstack.store.rows import Row

TEXT = st.text(min_size=1, max_size=60)
ROWS = st.lists(st.builds(Row, TEXT, st.none() | TEXT), max_size=8)


@given(ROWS)
def test_counts_are_those_of_the_ngrams(rows: list[Row]) -> None:
    hashed = hash_rows(rows)
    assert len(hashed) == len(rows)
    owners, buckets = ngrams([row.joined for row in rows])
    dense = np.zeros((len(rows), PAIR), dtype=np.int64)
    np.add.at(dense, (owners, buckets), 1)
    found = np.zeros((len(rows), BUCKETS), dtype=np.int64)
    found[hashed.owners(), hashed.buckets] = hashed.counts
    assert (found[:, :PAIR] == dense).all()
    assert hashed.has_pair.tolist() == [row.has_pair for row in rows]


@given(ROWS)
def test_hashed_rows_survive_storage(rows: list[Row]) -> None:
    hashed = hash_rows(rows)
    again = HashedRows.from_tensors(tensors.load(tensors.dump(hashed.to_tensors())))
    assert again.row_keys() == hashed.row_keys()
    assert again.digest() == hashed.digest()


def test_a_large_batch_equals_its_rows_one_by_one() -> None:
    rows = [Row(f"row {i} " + "some more words " * (i % 50)) for i in range(400)]
    assert hash_rows(rows).row_keys() == [hash_rows([row]).row_keys()[0] for row in rows]


def test_the_digest_ignores_the_order_of_rows() -> None:
    rows = [Row("one"), Row("two"), Row("three", "four")]
    assert hash_rows(rows).digest() == hash_rows(rows[::-1]).digest()
    assert hash_rows(rows).digest() != hash_rows(rows[:2]).digest()


@pytest.mark.parametrize(
    ("row", "flags"),
    [
        (Row("plain"), []),
        (Row("plain\n"), []),
        (Row("title\nbody"), [ONE_BREAK]),
        (Row("title\n\nbody"), [MORE_BREAKS]),
        (Row("question", "passage"), [PAIR]),
        (Row("question", "title\nbody"), [PAIR, ONE_BREAK]),
    ],
)
def test_flags_say_what_the_ngrams_lose(row: Row, flags: list[int]) -> None:
    hashed = hash_rows([row])
    assert hashed.buckets[hashed.buckets >= PAIR].tolist() == flags


def test_taking_joining_and_leaving_out_keep_rows_whole() -> None:
    hashed = hash_rows([Row("one"), Row("two\nlines"), Row("three")])
    one, two, three = hashed.row_keys()
    assert hashed.take(np.array([2, 0])).row_keys() == [three, one]
    assert join([hashed, hashed.take(np.array([1]))]).row_keys() == [one, two, three, two]
    assert hashed.without(ONE_BREAK).row_keys() == [one, hash_rows([Row("two lines")]).row_keys()[0], three]


def test_a_very_frequent_ngram_is_counted_up_to_the_limit() -> None:
    # One ligature becomes eighteen characters in NFKC, so a short text can hold very many n-grams.
    hashed = hash_rows([Row("\ufdfa" * 20_000)])
    assert int(hashed.counts.max()) <= 65_535


@pytest.mark.parametrize(
    "change",
    [
        {"indptr": np.array([0, 1], np.int64)},
        {"indptr": np.array([1, 5], np.int64)},
        {"indptr": np.array([], np.int64)},
        {"indptr": np.array([0, 9, 5], np.int64)},
        {"buckets": np.array([3, 2, 4, 5, 6], np.uint32)},
        {"buckets": np.array([1, 2, 3, 4, BUCKETS], np.uint32)},
        {"counts": np.array([1, 1, 0, 1, 1], np.uint16)},
        {"counts": np.array([1, 1, 1], np.uint16)},
        {"counts": np.array([1, 1, 1, 1, 1], np.int64)},
        {"more": np.array([1])},
    ],
)
def test_damaged_tensors_are_refused(change: dict[str, np.ndarray]) -> None:
    arrays = {
        "indptr": np.array([0, 5], np.int64),
        "buckets": np.arange(5, dtype=np.uint32),
        "counts": np.ones(5, np.uint16),
    }
    assert len(HashedRows.from_tensors(arrays)) == 1
    with pytest.raises(IntegrityError):
        HashedRows.from_tensors({**arrays, **change})
