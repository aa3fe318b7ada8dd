"""KnOTS aligns the members; without signs to elect that changes nothing."""

import numpy as np
import pytest
from hypothesis import given

from skillstack.compression.deltas import Delta, delta_of, layers_of
from skillstack.compression.merging.knots import METHOD, common_basis, merge
from skillstack.compression.merging.linear import merge as linear
from skillstack.compression.merging.ties import elected_mean, trim
from skillstack.errors import UsageError

from .adapters import close, deltas, members, weighted_sums

LINEAR = {"then": 0.0, "density": 1.0, "lambda": 1.0}


@given(members())
def test_knots_with_linear_is_linear(drawn):
    adapters, weights = drawn
    weights = [abs(weight) + 0.1 for weight in weights]
    for layer in weighted_sums(adapters, weights):
        parts = [delta_of(t, s, layer) if layer in layers_of(t) else None for t, s in adapters]
        found = merge(parts, weights, LINEAR, 0, layer)
        assert close(found.dense(), linear(parts, weights, {}, 0, layer).dense())


def test_knots_with_ties_is_what_the_dense_decomposition_gives():
    for shape in ((12, 10), (10, 12), (6, 9)):
        parts = deltas(3, shape)
        u, values, v = np.linalg.svd(np.concatenate([p.dense() for p in parts], axis=1), full_matrices=False)
        count = int(np.sum(values > 1e-9))
        aligned = np.split((values[:, None] * v)[:count].astype(np.float32), 3, axis=1)
        trimmed = [(1.0, trim(matrix.copy(), 0.5)) for matrix in aligned]
        wanted = 1.5 * u[:, :count] @ elected_mean(trimmed, (count, shape[1]))
        found = merge(parts, [1, 1, 1], {"then": 1.0, "density": 0.5, "lambda": 1.5}, 0, "")
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
    for settings in (METHOD.defaults, LINEAR):
        for parts in ([nothing, nothing], [nothing, None]):
            found = merge(parts, [1, 1], settings, 0, "")
            assert found.shape == (4, 3)
            assert found.norm == 0


def test_settings_out_of_range_are_refused():
    for settings in ({"density": 0.0}, {"density": 2.0}, {"then": 0.5}):
        with pytest.raises(UsageError):
            merge(deltas(2), [1, 1], {**METHOD.defaults, **settings}, 0, "")
