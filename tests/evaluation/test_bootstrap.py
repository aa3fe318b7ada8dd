"""Bootstrap intervals: against drawing rows one by one, against scipy, and how often they hold the truth."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from skillstack.evaluation.metrics import Mask, accuracy, macro
from skillstack.evaluation.statistics import (
    mean_interval,
    paired,
    percentiles,
    resampled_means,
    runs_interval,
)

MASKS = st.lists(st.lists(st.booleans(), min_size=1, max_size=40).map(np.array), min_size=1, max_size=4)
PAIRS = st.lists(
    st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=40).map(
        lambda rows: (np.array([one for one, _ in rows]), np.array([other for _, other in rows]))
    ),
    min_size=1,
    max_size=4,
)


def _mask(right: int, rows: int) -> Mask:
    return np.arange(rows) < right


def _drawn_row_by_row(tasks: list[NDArray[np.int64]], resamples: int, seed: int) -> NDArray[np.float64]:
    generator = np.random.default_rng(seed)
    means = [generator.choice(rows, (resamples, len(rows))).mean(axis=1) for rows in tasks]
    return np.mean(means, axis=0)


def test_drawing_counts_is_drawing_rows() -> None:
    tasks = [np.repeat([-1, 0, 1], counts) for counts in ((3, 40, 9), (0, 10, 5), (6, 6, 0))]
    ours = resampled_means(tasks, resamples=20_000, seed=1)
    rows = _drawn_row_by_row(tasks, 20_000, 2)
    assert ours.mean() == pytest.approx(rows.mean(), abs=1e-3)
    assert ours.std() == pytest.approx(rows.std(), rel=0.03)
    assert np.quantile(ours, [0.025, 0.25, 0.75, 0.975]) == pytest.approx(
        np.quantile(rows, [0.025, 0.25, 0.75, 0.975]), abs=4e-3
    )


def test_of_one_task_it_is_the_interval_of_scipy() -> None:
    right = _mask(150, 200)
    theirs = stats.bootstrap(
        (right,), np.mean, n_resamples=9999, method="percentile", rng=np.random.default_rng(0)
    ).confidence_interval
    ours = mean_interval([right], resamples=9999)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=6e-3)


def test_of_a_paired_difference_it_is_the_interval_of_scipy() -> None:
    first, second = _mask(150, 200), np.roll(_mask(135, 200), 5)
    theirs = stats.bootstrap(
        (first, second),
        lambda one, other, axis: one.mean(axis=axis) - other.mean(axis=axis),
        paired=True,
        n_resamples=9999,
        method="percentile",
        rng=np.random.default_rng(0),
    ).confidence_interval
    ours = paired([(first, second)], resamples=9999).interval
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=6e-3)


def test_it_holds_the_true_mean_about_as_often_as_it_says() -> None:
    generator = np.random.default_rng(5)
    shares, rows, trials = (0.6, 0.85, 0.9, 0.75), 64, 400
    held = 0
    for trial in range(trials):
        found = mean_interval([generator.random(rows) < share for share in shares], resamples=400, seed=trial)
        held += found.low <= macro(shares) <= found.high
    assert 0.91 <= held / trials <= 0.98


def test_a_common_part_makes_a_paired_difference_surer() -> None:
    first = _mask(120, 160)
    alike, unlike = _mask(112, 160), np.roll(_mask(112, 160), 60)
    close, far = paired([(first, alike)]).interval, paired([(first, unlike)]).interval
    assert close.high - close.low < (far.high - far.low) / 2


def test_texts_of_several_runs_are_no_more_texts() -> None:
    right = _mask(60, 80)
    one, same, more = mean_interval([right]), runs_interval([[right]] * 3), mean_interval([np.tile(right, 3)])
    assert (same.low, same.high) == pytest.approx((one.low, one.high))
    assert more.high - more.low < 0.7 * (one.high - one.low)
    other = np.roll(right, 20)
    mixed = runs_interval([[right], [other]])
    assert 0.0 < mixed.low < macro([accuracy(right), accuracy(other)]) < mixed.high < 1.0
    assert mixed.high - mixed.low < one.high - one.low


@given(MASKS, st.integers(0, 5))
def test_the_same_seed_gives_the_same_interval_whatever_the_order_of_rows(
    tasks: list[Mask], seed: int
) -> None:
    found = mean_interval(tasks, resamples=200, seed=seed)
    assert 0 <= found.low <= found.high <= 1
    assert mean_interval([mask[::-1] for mask in tasks], resamples=200, seed=seed) == found
    wider = mean_interval(tasks, level=0.99, resamples=200, seed=seed)
    assert wider.low <= found.low and found.high <= wider.high


@given(PAIRS)
def test_differences_lie_in_their_range_and_of_equals_there_is_none(tasks: list[tuple[Mask, Mask]]) -> None:
    found = paired(tasks, resamples=200).interval
    assert -1 <= found.low <= found.high <= 1
    none = paired([(first, first) for first, _ in tasks], resamples=200).interval
    assert (none.low, none.high) == (0.0, 0.0)


def test_another_seed_gives_another_draw() -> None:
    tasks = [_mask(50, 70), _mask(20, 30)]
    assert not np.array_equal(resampled_means(tasks, seed=0), resampled_means(tasks, seed=1))


def test_a_difference_of_nothing_is_0_and_not_a_rounding_error() -> None:
    # In floating point 0.1 + 0.2 - 0.3 is not 0.
    tasks = [np.array([1, 1, -1, -1] + [0] * 6)] * 3
    means = resampled_means(tasks, resamples=5000)
    assert np.count_nonzero(means == 0) == np.count_nonzero(np.abs(means) < 1e-9) > 0


def test_without_anything_measured_there_is_no_interval() -> None:
    right = _mask(1, 2)
    for tasks in ([], [right, right[:0]]):
        with pytest.raises(ValueError):
            mean_interval(tasks)
    with pytest.raises(ValueError):
        paired([(right, right[:1])])
    for runs in ([], [[right], [right[:1]]], [[right], [right, right]]):
        with pytest.raises(ValueError):
            runs_interval(runs)
    with pytest.raises(ValueError):
        mean_interval([right], resamples=0)
    for level in (0.0, 1.0, 95.0):
        with pytest.raises(ValueError):
            percentiles(np.zeros(3), level)
