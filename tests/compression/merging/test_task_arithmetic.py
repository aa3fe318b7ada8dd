"""Task arithmetic is lambda times the weighted sum, exactly."""

from hypothesis import given
from hypothesis import strategies as st

from skillstack.compression.deltas import delta_of, layers_of
from skillstack.compression.merging.task_arithmetic import METHOD, merge

from .adapters import close, deltas, members, weighted_sums


@given(members(), st.sampled_from(METHOD.grid["lambda"]))
def test_the_sum_equals_that_of_the_dense_updates(drawn, scale):
    adapters, weights = drawn
    for layer, wanted in weighted_sums(adapters, weights).items():
        parts = [delta_of(t, s, layer) if layer in layers_of(t) else None for t, s in adapters]
        assert close(merge(parts, weights, {"lambda": scale}, 0, layer).dense(), scale * wanted)


def test_a_member_can_be_taken_away_again():
    one, two = deltas(2)
    both = merge([one, two], [1, 1], {"lambda": 1.0}, 0, "")
    assert close(merge([both, two], [1, -1], {"lambda": 1.0}, 0, "").dense(), one.dense(), 1e-12)
