"""Linear is the weighted mean, exactly, whatever ranks, scalings, targets and signs the members have."""

import numpy as np
import pytest
from hypothesis import given

from skillstack.compression.deltas import delta_of, layers_of
from skillstack.compression.merging.linear import merge
from skillstack.errors import UsageError

from .adapters import close, deltas, members, weighted_sums


@given(members())
def test_the_mean_equals_that_of_the_dense_updates(drawn):
    adapters, weights = drawn
    weights = [abs(weight) + 0.1 for weight in weights]
    means = weighted_sums(adapters, [weight / sum(weights) for weight in weights])
    for layer, wanted in means.items():
        parts = [delta_of(t, s, layer) if layer in layers_of(t) else None for t, s in adapters]
        assert close(merge(parts, weights, {}, 0, layer).dense(), wanted)


def test_only_proportions_of_weights_count_and_some_may_be_negative():
    parts = deltas(3)
    wanted = (2 * parts[0].dense() + 2 * parts[1].dense() - parts[2].dense()) / 3
    assert close(merge(parts, [2, 2, -1], {}, 0, "").dense(), wanted, 1e-12)
    assert close(merge(parts, [20, 20, -10], {}, 0, "").dense(), wanted, 1e-12)


def test_a_member_that_does_not_adapt_the_layer_counts_as_zero():
    (part,) = deltas(1)
    assert close(merge([part, None, None], [1, 1, 2], {}, 0, "").dense(), part.dense() / 4, 1e-12)


def test_members_without_weight_are_left_out():
    parts = deltas(3)
    merged = merge(parts, [0, 1, 0], {}, 0, "")
    assert np.array_equal(merged.dense(), parts[1].dense())
    assert merge([None, parts[0]], [1, 0], {}, 0, "").norm == 0


def test_weights_that_cancel_out_have_no_mean():
    for weights in ([1, -1], [0, 0]):
        with pytest.raises(UsageError, match="cancel"):
            merge(deltas(2), weights, {}, 0, "")
