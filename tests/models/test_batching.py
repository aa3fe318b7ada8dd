"""Every row once, little padding, and an order that the seed decides."""

import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillstack.models.encoding import encode
from skillstack.models.features import batches, training_batches, useful_share
from skillstack.store.records import Rendering
from skillstack.store.rows import Row

LENGTHS = st.lists(st.integers(1, 200), max_size=120)
HARD8 = (
    "imdb", "yelp_polarity", "rotten_tomatoes", "sst2", "amazon_polarity", "agnews", "yahoo", "dbpedia",
)  # fmt: skip


@given(lengths=LENGTHS, size=st.integers(1, 40), budget=st.none() | st.integers(1, 2000))
def test_every_row_is_in_one_batch_within_both_bounds(lengths, size, budget):
    found = batches(lengths, size, budget)
    assert sorted(row for batch in found for row in batch) == list(range(len(lengths)))
    for batch in found:
        assert 1 <= len(batch) <= size
        if budget is not None and len(batch) > 1:
            assert len(batch) * max(lengths[row] for row in batch) <= budget


@given(lengths=LENGTHS, size=st.integers(1, 40), seed=st.integers(0, 9), epoch=st.integers(0, 5))
def test_training_sees_every_row_once_in_as_many_steps_as_without_buckets(lengths, size, seed, epoch):
    found = training_batches(lengths, size, seed, epoch)
    assert sorted(row for batch in found for row in batch) == list(range(len(lengths)))
    assert len(found) == -(-len(lengths) // size)
    assert all(1 <= len(batch) <= max(size, size * 3 // 2) for batch in found)
    assert found == training_batches(lengths, size, seed, epoch)


@given(lengths=LENGTHS, size=st.integers(2, 40))
def test_buckets_never_pad_more_than_sorted_batches_of_one_size(lengths, size):
    order = sorted(range(len(lengths)), key=lambda row: lengths[row])
    fixed = [order[at : at + size] for at in range(0, len(order), size)]
    share = useful_share(lengths, training_batches(lengths, size, 1, 0))
    if all(size // 2 <= len(batch) for batch in fixed):
        assert share >= useful_share(lengths, fixed) - 1e-9


def test_epochs_and_seeds_differ_in_their_order():
    lengths = [n % 30 + 5 for n in range(96)]
    orders = {str(training_batches(lengths, 16, seed, epoch)) for seed in (1, 2) for epoch in (0, 1, 2)}
    assert len(orders) == 6


def test_the_order_is_the_same_everywhere():
    assert training_batches([3, 1, 2, 5, 4, 6], 2, 42, 0) == [[1, 2], [3, 5], [0, 4]]


def test_the_useful_share_counts_real_tokens_among_computed_ones():
    assert useful_share([4, 2, 2], [[0, 1], [2]]) == pytest.approx(8 / 10)
    assert useful_share([], []) == 1.0


def test_on_real_data_at_least_95_of_100_tokens_are_useful(minilm, shared_data):
    real = computed = 0.0
    for task in HARD8:
        by_label: dict[int, list[Row]] = {}
        with gzip.open(shared_data / task / "train.jsonl.gz", "rt", encoding="utf-8") as lines:
            for line in lines:
                record = json.loads(line)
                by_label.setdefault(record["label"], []).append(Row(record["text"]))
        rows = [row for rows in by_label.values() for row in rows[:48]]
        lengths = encode(minilm, rows, Rendering()).lengths
        share = useful_share(lengths, training_batches(lengths, 16, 42, 0))
        real += sum(lengths)
        computed += sum(lengths) / share
    assert real / computed >= 0.95
