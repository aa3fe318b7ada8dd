"""Intervals of accuracies: known values, and what must hold for every count."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillstack.evaluation.intervals import wilson
from skillstack.store.records import Count


def test_it_gives_the_values_of_the_textbook() -> None:
    # Newcombe 1998, Statistics in Medicine 17: 81 of 263, 15 of 148 and 0 of 20, all at 95 %.
    for correct, n, low, high in ((81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611)):
        found = wilson(Count(correct, n))
        assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)


def test_nothing_measured_says_nothing() -> None:
    assert (wilson(Count(0, 0)).low, wilson(Count(0, 0)).high) == (0.0, 1.0)


@given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_it_holds_the_measured_share_and_narrows_with_more_rows(counts: tuple[int, int]) -> None:
    correct, n = counts
    found, more = wilson(Count(correct, n)), wilson(Count(4 * correct, 4 * n))
    assert 0 <= found.low <= correct / n <= found.high <= 1
    assert more.high - more.low < found.high - found.low
    assert wilson(Count(correct, n), 0.99).low <= found.low
