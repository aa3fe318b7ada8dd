"""Comparisons on the same texts: exact tests, and runs that are not taken for more texts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from skillstack.evaluation.metrics import Mask
from skillstack.evaluation.statistics import mcnemar, paired, paired_runs

Pair = tuple[Mask, Mask]
PAIRS = st.lists(
    st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=30).map(
        lambda rows: (np.array([one for one, _ in rows]), np.array([other for _, other in rows]))
    ),
    min_size=1,
    max_size=3,
)


def _pair(both: int, first: int, second: int, neither: int) -> Pair:
    counts = (both, first, second, neither)
    return np.repeat([True, True, False, False], counts), np.repeat([True, False, True, False], counts)


def test_by_hand() -> None:
    found = paired([_pair(4, 3, 1, 2), _pair(1, 0, 0, 1)])
    assert (found.n, found.only_first, found.only_second) == (12, 3, 1)
    assert found.difference == pytest.approx((0.2 + 0.0) / 2)
    assert found.p == pytest.approx(2 * (1 + 4) / 16)


@given(st.integers(0, 300), st.integers(0, 300))
def test_mcnemar_is_the_exact_binomial_test(first: int, second: int) -> None:
    theirs = binomtest(first, first + second, 0.5).pvalue if first + second else 1.0
    assert mcnemar(first, second) == pytest.approx(theirs, rel=1e-9)


def test_mcnemar_knows_no_overflow() -> None:
    assert mcnemar(10_000, 10_000) == 1.0
    assert mcnemar(10_150, 10_000) == pytest.approx(binomtest(10_150, 20_150, 0.5).pvalue, rel=1e-6)
    assert mcnemar(5_000, 0) == 0.0


@given(PAIRS)
def test_exchanging_the_sides_exchanges_the_answer(tasks: list[Pair]) -> None:
    there = paired(tasks, resamples=300)
    back = paired([(second, first) for first, second in tasks], resamples=300)
    assert back.difference == pytest.approx(-there.difference)
    assert (back.only_first, back.only_second, back.p) == (there.only_second, there.only_first, there.p)
    assert 0 < there.p <= 1


@given(PAIRS, st.integers(1, 4))
def test_the_same_run_over_and_over_tells_no_more_than_once(tasks: list[Pair], runs: int) -> None:
    once, often = paired(tasks, resamples=300), paired_runs([tasks] * runs, resamples=300)
    assert often.n == once.n
    assert often.difference == pytest.approx(once.difference)
    assert (often.interval.low, often.interval.high) == pytest.approx((once.interval.low, once.interval.high))
    assert often.p == paired_runs([tasks], resamples=300).p
    assert often.only_first == runs * once.only_first


def test_the_difference_of_runs_is_their_mean() -> None:
    found = paired_runs([[_pair(5, 3, 0, 2)], [_pair(5, 0, 1, 4)]])
    assert found.difference == pytest.approx((0.3 - 0.1) / 2)
    assert (found.n, found.only_first, found.only_second) == (10, 3, 1)


def test_p_is_small_where_one_is_better_and_1_where_none_is() -> None:
    better = [_pair(150, 30, 2, 18)]
    assert paired(better).p < 1e-6
    assert paired_runs([better, better], resamples=1000).p == 0.001
    assert paired_runs([[_pair(5, 0, 0, 5)]]).p == 1.0
    assert paired([_pair(5, 0, 0, 5)]).p == 1.0


def test_p_of_runs_counts_both_sides() -> None:
    # 12 against 6: the normal approximation of a two-sided test gives 0.16, and half of it for one side.
    there = paired_runs([[_pair(70, 12, 6, 12)]], resamples=20_000).p
    back = paired_runs([[_pair(70, 6, 12, 12)]], resamples=20_000).p
    assert 0.15 < there < 0.25
    assert back == pytest.approx(there, abs=0.03)


def test_between_equals_a_small_p_is_as_rare_as_it_says() -> None:
    generator = np.random.default_rng(3)
    trials, rows = 400, 60
    exact = joint = 0
    for trial in range(trials):
        texts = generator.random((2, rows)) < 0.85
        # Runs of one method mostly agree with each other: that is what makes them no independent texts.
        runs = []
        for _ in range(3):
            noise = generator.random((2, 2, rows)) < 0.1
            runs.append([(texts[0] ^ noise[0, 0], texts[1] ^ noise[0, 1])])
        exact += paired(runs[0], resamples=50).p < 0.05
        joint += paired_runs(runs, resamples=400, seed=trial).p < 0.05
    assert exact / trials <= 0.07
    assert joint / trials <= 0.09


def test_other_texts_are_refused() -> None:
    pair, longer = _pair(1, 1, 1, 1), _pair(2, 1, 1, 1)
    for tasks in ([], [(pair[0], longer[1])], [(pair[0][:0], pair[1][:0])]):
        with pytest.raises(ValueError):
            paired(tasks)
    for runs in ([], [[]], [[pair], [longer]], [[pair], [pair, pair]]):
        with pytest.raises(ValueError):
            paired_runs(runs)
