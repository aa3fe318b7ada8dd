"""Calibration: by hand, against scikit-learn, and what must hold for any confidences."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from skillstack.evaluation.metrics import Bin, CalibrationError, calibration

# Few different values, so that many rows are equally confident.
ROWS = st.lists(
    st.tuples(st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.5, 0.9, 1.0])), st.booleans()),
    min_size=1,
    max_size=80,
)


def test_by_hand() -> None:
    found = calibration([0.9, 0.6, 0.8, 0.5], np.array([True, False, True, True]), bins=2)
    low, high = found.bins
    assert (low.low, low.high, low.n, low.accuracy) == (0.5, 0.6, 2, 0.5)
    assert low.confidence == pytest.approx(0.55)
    assert (high.low, high.high, high.n, high.accuracy) == (0.8, 0.9, 2, 1.0)
    assert found.ece == pytest.approx((0.05 + 0.15) / 2)
    assert found.brier == pytest.approx((0.01 + 0.36 + 0.04 + 0.25) / 4)


def test_rows_of_one_confidence_stay_together() -> None:
    found = calibration([1.0] * 7 + [0.2, 0.4, 0.6], np.array([True] * 6 + [False] * 4), bins=5)
    assert [one.n for one in found.bins] == [2, 1, 7]
    assert found.bins[-1] == Bin(1.0, 1.0, 7, 1.0, pytest.approx(6 / 7))


def test_they_go_where_most_of_them_would_be() -> None:
    found = calibration([0.1, 0.2, *[0.5] * 5, 0.7, 0.8, 0.9], np.ones(10, np.bool_), bins=2)
    assert [one.n for one in found.bins] == [7, 3]


def test_of_no_rows_there_is_nothing_to_tell() -> None:
    assert calibration([], np.zeros(0, np.bool_)) == CalibrationError(0, 0.0, 0.0, ())


def test_without_ties_the_bins_are_those_of_scikit_learn() -> None:
    generator = np.random.default_rng(0)
    sure = generator.random(200)
    right = generator.random(200) < sure
    found = calibration(sure, right, bins=10)
    accuracies, confidences = calibration_curve(right, sure, n_bins=10, strategy="quantile")
    assert [one.n for one in found.bins] == [20] * 10
    assert [one.accuracy for one in found.bins] == pytest.approx(accuracies)
    assert [one.confidence for one in found.bins] == pytest.approx(confidences)


@given(ROWS, st.integers(1, 15), st.randoms(use_true_random=False))
def test_bins_part_the_rows_and_their_order_does_not_matter(
    rows: list[tuple[float, bool]], bins: int, shuffler: object
) -> None:
    sure, right = np.array([one for one, _ in rows]), np.array([hit for _, hit in rows])
    found = calibration(sure, right, bins)
    assert sum(one.n for one in found.bins) == found.n == len(rows)
    assert len(found.bins) <= min(bins, len(np.unique(sure)))
    for one, following in zip(found.bins, found.bins[1:], strict=False):
        assert one.high < following.low
    assert all(one.low <= one.confidence <= one.high for one in found.bins)
    assert sum(one.n * one.accuracy for one in found.bins) == pytest.approx(right.sum())
    assert found.brier == pytest.approx(brier_score_loss(right, sure, pos_label=True))
    # The mean distance is never below the distance of the means, whatever the bins.
    assert abs(sure.mean() - right.mean()) - 1e-9 <= found.ece <= 1
    shuffler.shuffle(rows)
    again = calibration([one for one, _ in rows], np.array([hit for _, hit in rows]), bins)
    assert [(one.low, one.high, one.n, one.accuracy) for one in again.bins] == [
        (one.low, one.high, one.n, one.accuracy) for one in found.bins
    ]


@given(st.lists(st.booleans(), min_size=1, max_size=50))
def test_who_is_sure_and_right_has_no_error_and_who_is_sure_and_wrong_has_all(answers: list[bool]) -> None:
    right = np.array(answers)
    best, worst = calibration(right.astype(float), right), calibration((~right).astype(float), right)
    assert (best.ece, best.brier) == (0.0, 0.0)
    assert (worst.ece, worst.brier) == pytest.approx((1.0, 1.0))


def test_what_is_no_confidence_is_refused() -> None:
    right = np.array([True, False])
    for sure in ([0.5, 1.1], [-0.1, 0.5], [0.5, float("nan")], [0.5], [[0.5, 0.5]]):
        with pytest.raises(ValueError):
            calibration(sure, right)
    with pytest.raises(ValueError):
        calibration([0.5, 0.5], right, bins=0)
