"""Task singular vectors: members that do not overlap are summed, others are pushed apart."""

import numpy as np
import pytest

from skillstack.compression.deltas import Delta, singular_values, truncated
from skillstack.compression.merging.tsv import merge, nearest_orthonormal
from skillstack.errors import UsageError

from .adapters import close, deltas

PLAIN = {"share": 1.0, "lambda": 1.0}


def test_members_in_spaces_of_their_own_are_simply_summed():
    chance = np.random.default_rng(0)
    left, right = np.linalg.qr(chance.normal(size=(9, 4)))[0], np.linalg.qr(chance.normal(size=(8, 4)))[0]
    parts = [Delta(3 * left[:, :2], right[:, :2].T), Delta(left[:, 2:], right[:, 2:].T)]
    found = merge(parts, [1, -0.5], {"share": 1.0, "lambda": 2.0}, 0, "")
    assert close(found.dense(), 2 * parts[0].dense() - parts[1].dense(), 1e-9)


def test_members_that_overlap_keep_their_singular_values():
    parts = deltas(2, (30, 20), 4)
    found = singular_values(merge(parts, [1, 1], PLAIN, 0, ""))
    wanted = np.sort(np.concatenate([singular_values(part) for part in parts]))[::-1]
    assert found == pytest.approx(wanted)


def test_one_member_stays_itself_or_its_larger_part():
    (part,) = deltas(1, (12, 10), 4)
    assert close(merge([part, None], [1, 1], PLAIN, 0, "").dense(), part.dense(), 1e-9)
    half = merge([part], [1], {"share": 0.5, "lambda": 1.0}, 0, "")
    assert close(half.dense(), truncated(part, 2).dense(), 1e-9)


def test_more_vectors_than_there_is_room_for_and_equal_members_do_not_break_it():
    parts = deltas(5, (6, 5), 3)
    assert np.isfinite(merge(parts, [1] * 5, PLAIN, 0, "").dense()).all()
    assert np.isfinite(merge([parts[0]] * 3, [1] * 3, PLAIN, 0, "").dense()).all()
    assert merge([Delta.zero((6, 5)), None], [1, 1], PLAIN, 0, "").norm == 0
    assert merge([parts[0]], [0], PLAIN, 0, "").norm == 0


def test_the_nearest_orthonormal_vectors_are_orthonormal():
    vectors = np.random.default_rng(0).normal(size=(9, 4))
    found = nearest_orthonormal(vectors)
    assert np.allclose(found.T @ found, np.eye(4), atol=1e-12)


def test_a_share_out_of_range_is_refused():
    for share in (0.0, 1.5):
        with pytest.raises(UsageError, match="share"):
            merge(deltas(2), [1, 1], {"share": share, "lambda": 1.0}, 0, "")
