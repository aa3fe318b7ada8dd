"""Dev decides between candidates, and of equals the more modest one is taken."""

import numpy as np
import pytest

from skillstack.errors import InputError
from skillstack.models.heads import Head, fit_logistic
from skillstack.skills.head_training import PENALTIES, best_logistic, measure
from skillstack.store.records import Count


def blobs(seed: int, distance: float, rows: int = 40) -> tuple[np.ndarray, list[int]]:
    """Two clouds of points."""
    chance = np.random.default_rng(seed)
    labels = [i % 2 for i in range(rows)]
    points = chance.normal(0, 1, (rows, 6)).astype(np.float32)
    points[:, 0] += np.where(np.array(labels) == 1, distance, -distance)
    return points, labels


def test_accuracy_is_counted_in_rows():
    head = Head(np.eye(3, dtype=np.float32))
    features = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 2, 1]], dtype=np.float32)
    assert measure(head, features, [0, 1, 1, 1]) == Count(3, 4)


def test_the_bias_counts():
    head = Head(np.eye(2, dtype=np.float32), np.array([0.0, 5.0], dtype=np.float32))
    assert measure(head, np.array([[1.0, 0.0]], dtype=np.float32), [1]) == Count(1, 1)


def test_the_strongest_penalty_of_equals_is_preferred():
    train, labels = blobs(0, distance=8.0)
    dev, dev_labels = blobs(1, distance=8.0)
    head, count = best_logistic(train, labels, dev, dev_labels, 2, standardise=False)
    strongest = fit_logistic(train, labels, 2, PENALTIES[0])
    assert count == Count(40, 40)
    assert np.array_equal(head.weight, strongest.weight)
    assert list(PENALTIES) == sorted(PENALTIES)


@pytest.mark.parametrize("standardise", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_no_penalty_would_have_done_better_on_dev(seed, standardise):
    train, labels = blobs(seed, distance=0.4)
    dev, dev_labels = blobs(seed + 100, distance=0.4)
    head, count = best_logistic(train, labels, dev, dev_labels, 2, standardise=standardise)
    counts = [
        measure(fit_logistic(train, labels, 2, penalty, standardise=standardise), dev, dev_labels).correct
        for penalty in PENALTIES
    ]
    assert count.correct == max(counts)
    assert measure(head, dev, dev_labels) == count
    first = PENALTIES[counts.index(max(counts))]
    assert np.array_equal(head.weight, fit_logistic(train, labels, 2, first, standardise=standardise).weight)


def test_a_class_without_rows_is_refused():
    train, labels = blobs(0, 1.0)
    with pytest.raises(InputError):
        best_logistic(train, labels, train, labels, 3, standardise=False)
