"""TIES by hand: what is trimmed, which sign is elected, and what the mean is of."""

import numpy as np
import pytest

from skillstack.compression.deltas import Delta
from skillstack.compression.merging.ties import elected_mean, merge, trim
from skillstack.errors import UsageError

from .adapters import close, deltas


def test_on_a_small_matrix_it_gives_what_the_paper_says():
    members = [
        np.array([[4.0, -1.0, 0.1], [3.0, 0.2, -2.0]]),
        np.array([[2.0, 3.0, 0.3], [-5.0, 0.1, 0.0]]),
        np.array([[-9.0, 1.0, 0.0], [4.0, 0.5, -1.0]]),
    ]
    # Half of six entries stay: [4, 3, -2], [2, 3, -5] and [-9, 4 and both 1s, which are equally large].
    wanted = np.array([[-9.0, 2.0, 0.0], [3.5, 0.0, -1.5]])
    settings = {"density": 0.5, "lambda": 1.0}
    parts = [Delta.of_dense(member) for member in members]
    assert close(merge(parts, [1, 1, 1], settings, 0, "").dense(), wanted, 1e-6)
    doubled = merge(parts, [1, 1, 1], {**settings, "lambda": 2.0}, 0, "")
    assert close(doubled.dense(), 2 * wanted, 1e-6)


def test_trimming_keeps_the_largest_of_either_sign():
    update = np.array([[0.1, -5.0, 2.0, -0.2, 3.0]], np.float32)
    assert np.array_equal(trim(update.copy(), 0.4), np.array([[0, -5, 0, 0, 3]], np.float32))
    assert np.array_equal(trim(update.copy(), 1.0), update)
    assert np.count_nonzero(trim(update.copy(), 0.01)) == 1
    # 0.7 of 10 is 7, although the product is a little less.
    assert np.count_nonzero(trim(np.arange(1, 11, dtype=np.float32), 0.7)) == 7


def test_a_tie_of_signs_is_positive_and_entries_of_zero_take_no_part():
    updates = [
        (1.0, np.array([[2.0, 0.0, 6.0]], np.float32)),
        (1.0, np.array([[-2.0, 0.0, 0.0]], np.float32)),
    ]
    assert np.array_equal(elected_mean(updates, (1, 3)), np.array([[2, 0, 6]], np.float32))


def test_weights_vote_and_a_negative_one_votes_against():
    one, two = np.array([[4.0, 1.0]], np.float32), np.array([[-3.0, 2.0]], np.float32)
    assert np.allclose(elected_mean([(1.0, one), (2.0, two)], (1, 2)), [[-3.0, 5 / 3]])
    assert np.allclose(elected_mean([(1.0, one), (-1.0, two)], (1, 2)), [[3.5, -2.0]])


def test_members_that_agree_give_their_mean_and_others_count_for_nothing():
    (part,) = deltas(1)
    settings = {"density": 1.0, "lambda": 1.0}
    assert close(merge([part, part, None], [1, 3, 1], settings, 0, "").dense(), part.dense())
    assert merge([part, None], [0, 1], settings, 0, "").norm == 0


def test_a_density_out_of_range_is_refused():
    for density in (0.0, -0.1, 1.1):
        with pytest.raises(UsageError, match="share"):
            merge(deltas(2), [1, 1], {"density": density, "lambda": 1.0}, 0, "")
