"""The merge methods, by hand and against their dense definitions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillstack.compression.deltas import Delta, delta_of, layers_of, spectrum
from skillstack.compression.merging import (
    METHODS,
    common_basis,
    dare,
    drop,
    elected_mean,
    knots,
    linear,
    nearest_orthonormal,
    task_arithmetic,
    ties,
    trim,
    tsv,
)
from skillstack.errors import UsageError

from .adapters import close, deltas, members, weighted_sums

MEAN = {"then": 0.0, "density": 1.0, "lambda": 1.0}
DROPPED = {"drop": 0.5, "then": 0.0, "lambda": 1.0}
PLAIN = {"share": 1.0, "lambda": 1.0}


def truncated(delta, rank):
    return spectrum(delta).cut(rank)


# --- linear -------------------------------------------------------------------------------------------------


@given(members())
def test_the_mean_equals_that_of_the_dense_updates(drawn):
    adapters, weights = drawn
    weights = [abs(weight) + 0.1 for weight in weights]
    means = weighted_sums(adapters, [weight / sum(weights) for weight in weights])
    for layer, wanted in means.items():
        parts = [delta_of(t, s, layer) if layer in layers_of(t) else None for t, s in adapters]
        assert close(linear(parts, weights, {}, 0, layer).dense(), wanted)


def test_only_proportions_of_weights_count_and_some_may_be_negative():
    parts = deltas(3)
    wanted = (2 * parts[0].dense() + 2 * parts[1].dense() - parts[2].dense()) / 3
    assert close(linear(parts, [2, 2, -1], {}, 0, "").dense(), wanted, 1e-12)
    assert close(linear(parts, [20, 20, -10], {}, 0, "").dense(), wanted, 1e-12)


def test_a_member_that_does_not_adapt_the_layer_counts_as_zero():
    (part,) = deltas(1)
    assert close(linear([part, None, None], [1, 1, 2], {}, 0, "").dense(), part.dense() / 4, 1e-12)


def test_members_without_weight_are_left_out():
    parts = deltas(3)
    merged = linear(parts, [0, 1, 0], {}, 0, "")
    assert np.array_equal(merged.dense(), parts[1].dense())
    assert linear([None, parts[0]], [1, 0], {}, 0, "").norm == 0


def test_weights_that_cancel_out_have_no_mean():
    for weights in ([1, -1], [0, 0]):
        with pytest.raises(UsageError, match="cancel"):
            linear(deltas(2), weights, {}, 0, "")


# --- task arithmetic ----------------------------------------------------------------------------------------


@given(members(), st.sampled_from(METHODS["task-arithmetic"].grid["lambda"]))
def test_the_sum_equals_that_of_the_dense_updates(drawn, scale):
    adapters, weights = drawn
    for layer, wanted in weighted_sums(adapters, weights).items():
        parts = [delta_of(t, s, layer) if layer in layers_of(t) else None for t, s in adapters]
        assert close(task_arithmetic(parts, weights, {"lambda": scale}, 0, layer).dense(), scale * wanted)


def test_a_member_can_be_taken_away_again():
    one, two = deltas(2)
    both = task_arithmetic([one, two], [1, 1], {"lambda": 1.0}, 0, "")
    assert close(task_arithmetic([both, two], [1, -1], {"lambda": 1.0}, 0, "").dense(), one.dense(), 1e-12)


# --- ties ---------------------------------------------------------------------------------------------------


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
    assert close(ties(parts, [1, 1, 1], settings, 0, "").dense(), wanted, 1e-6)
    doubled = ties(parts, [1, 1, 1], {**settings, "lambda": 2.0}, 0, "")
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
    assert close(ties([part, part, None], [1, 3, 1], settings, 0, "").dense(), part.dense())
    assert ties([part, None], [0, 1], settings, 0, "").norm == 0


def test_a_density_out_of_range_is_refused():
    for density in (0.0, -0.1, 1.1):
        with pytest.raises(UsageError, match="share"):
            ties(deltas(2), [1, 1], {"density": density, "lambda": 1.0}, 0, "")


# --- dare ---------------------------------------------------------------------------------------------------


def test_the_mean_over_seeds_is_the_mean_of_the_updates():
    parts = deltas(3)
    weights = [1, 2, 1]
    wanted = sum(w * part.dense() for w, part in zip(weights, parts, strict=True)) / 4
    seeds = 2000
    mean = sum(dare(parts, weights, DROPPED, seed, "query").dense() for seed in range(seeds)) / seeds
    assert close(mean, wanted, 0.05)


def test_entries_are_dropped_with_their_chance_and_the_rest_is_scaled_up():
    dropped = drop(np.ones((100, 100), np.float32), 0.8, 0, "query", 0)
    assert set(np.unique(dropped).round(4)) == {0.0, 5.0}
    assert abs(np.count_nonzero(dropped) / 10_000 - 0.2) < 0.02
    assert np.array_equal(drop(np.ones((3, 3), np.float32), 0.0, 0, "query", 0), np.ones((3, 3)))


def test_what_is_drawn_depends_on_seed_layer_and_member_alone():
    def draw(*place) -> bytes:
        return drop(np.ones((8, 8), np.float32), 0.5, *place).tobytes()

    assert draw(0, "query", 0) == draw(0, "query", 0)
    assert len({draw(0, "query", 0), draw(1, "query", 0), draw(0, "value", 0), draw(0, "query", 1)}) == 4
    # A number that is the same on every machine and with every library.
    row = drop(np.ones((1, 12), np.float32), 0.5, 0, "query", 0)[0]
    assert "".join("x" if value else "." for value in row) == "...xx.xx.x.x"
    # A member keeps its draw when another one leaves.
    parts = deltas(2)
    alone = dare([None, parts[1]], [1, 1], DROPPED, 0, "query").dense()
    both = dare(parts, [1, 1], DROPPED, 0, "query").dense()
    first = dare([parts[0], None], [1, 1], DROPPED, 0, "query").dense()
    assert close(alone + first, both, 1e-6)


def test_signs_are_elected_where_that_is_wanted():
    parts = deltas(3)
    nothing_dropped = {"drop": 0.0, "then": 1.0, "lambda": 0.7}
    wanted = ties(parts, [1, 1, 1], {"density": 1.0, "lambda": 0.7}, 0, "")
    assert close(dare(parts, [1, 1, 1], nothing_dropped, 5, "").dense(), wanted.dense(), 1e-6)


def test_settings_of_dare_out_of_range_are_refused():
    for settings in ({"drop": 1.0}, {"drop": -0.1}, {"then": 0.5}, {"then": 2.0}):
        with pytest.raises(UsageError):
            dare(deltas(2), [1, 1], {**METHODS["dare"].defaults, **settings}, 0, "")
    with pytest.raises(UsageError, match="cancel"):
        dare(deltas(2), [1, -1], METHODS["dare"].defaults, 0, "")


# --- knots --------------------------------------------------------------------------------------------------


@given(members())
def test_knots_with_linear_is_linear(drawn):
    adapters, weights = drawn
    weights = [abs(weight) + 0.1 for weight in weights]
    for layer in weighted_sums(adapters, weights):
        parts = [delta_of(t, s, layer) if layer in layers_of(t) else None for t, s in adapters]
        found = knots(parts, weights, MEAN, 0, layer)
        assert close(found.dense(), linear(parts, weights, {}, 0, layer).dense())


def test_knots_with_ties_is_what_the_dense_decomposition_gives():
    for shape in ((12, 10), (10, 12), (6, 9)):
        parts = deltas(3, shape)
        u, values, v = np.linalg.svd(np.concatenate([p.dense() for p in parts], axis=1), full_matrices=False)
        count = int(np.sum(values > 1e-9))
        aligned = np.split((values[:, None] * v)[:count].astype(np.float32), 3, axis=1)
        trimmed = [(1.0, trim(matrix.copy(), 0.5)) for matrix in aligned]
        wanted = 1.5 * u[:, :count] @ elected_mean(trimmed, (count, shape[1]))
        found = knots(parts, [1, 1, 1], {"then": 1.0, "density": 0.5, "lambda": 1.5}, 0, "")
        # The signs of singular vectors are arbitrary, and elections are the same either way up.
        assert close(found.dense(), wanted, 1e-4)


def test_the_basis_holds_every_member():
    parts = [*deltas(3), Delta.zero((12, 10))]
    basis = common_basis(parts)
    assert np.allclose(basis.T @ basis, np.eye(basis.shape[1]), atol=1e-9)
    for part in parts:
        assert close(basis @ (basis.T @ part.dense()), part.dense(), 1e-9)


def test_members_that_do_nothing_give_nothing():
    nothing = Delta(np.zeros((4, 2)), np.zeros((2, 3)))
    for settings in (METHODS["knots"].defaults, MEAN):
        for parts in ([nothing, nothing], [nothing, None]):
            found = knots(parts, [1, 1], settings, 0, "")
            assert found.shape == (4, 3)
            assert found.norm == 0


def test_settings_out_of_range_are_refused():
    for settings in ({"density": 0.0}, {"density": 2.0}, {"then": 0.5}):
        with pytest.raises(UsageError):
            knots(deltas(2), [1, 1], {**METHODS["knots"].defaults, **settings}, 0, "")


# --- tsv ----------------------------------------------------------------------------------------------------


def test_members_in_spaces_of_their_own_are_simply_summed():
    chance = np.random.default_rng(0)
    left, right = np.linalg.qr(chance.normal(size=(9, 4)))[0], np.linalg.qr(chance.normal(size=(8, 4)))[0]
    parts = [Delta(3 * left[:, :2], right[:, :2].T), Delta(left[:, 2:], right[:, 2:].T)]
    found = tsv(parts, [1, -0.5], {"share": 1.0, "lambda": 2.0}, 0, "")
    assert close(found.dense(), 2 * parts[0].dense() - parts[1].dense(), 1e-9)


def test_members_that_overlap_keep_their__values():
    parts = deltas(2, (30, 20), 4)
    found = spectrum(tsv(parts, [1, 1], PLAIN, 0, "")).values
    wanted = np.sort(np.concatenate([spectrum(part).values for part in parts]))[::-1]
    assert found == pytest.approx(wanted)


def test_one_member_stays_itself_or_its_larger_part():
    (part,) = deltas(1, (12, 10), 4)
    assert close(tsv([part, None], [1, 1], PLAIN, 0, "").dense(), part.dense(), 1e-9)
    half = tsv([part], [1], {"share": 0.5, "lambda": 1.0}, 0, "")
    assert close(half.dense(), truncated(part, 2).dense(), 1e-9)


def test_more_vectors_than_there_is_room_for_and_equal_members_do_not_break_it():
    parts = deltas(5, (6, 5), 3)
    assert np.isfinite(tsv(parts, [1] * 5, PLAIN, 0, "").dense()).all()
    assert np.isfinite(tsv([parts[0]] * 3, [1] * 3, PLAIN, 0, "").dense()).all()
    assert tsv([Delta.zero((6, 5)), None], [1, 1], PLAIN, 0, "").norm == 0
    assert tsv([parts[0]], [0], PLAIN, 0, "").norm == 0


def test_the_nearest_orthonormal_vectors_are_orthonormal():
    vectors = np.random.default_rng(0).normal(size=(9, 4))
    found = nearest_orthonormal(vectors)
    assert np.allclose(found.T @ found, np.eye(4), atol=1e-12)


def test_a_share_out_of_range_is_refused():
    for share in (0.0, 1.5):
        with pytest.raises(UsageError, match="share"):
            tsv(deltas(2), [1, 1], {"share": share, "lambda": 1.0}, 0, "")
