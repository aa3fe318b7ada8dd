"""DARE changes nothing on average, and draws the same everywhere."""

import numpy as np
import pytest

from skillstack.compression.merging.dare import METHOD, drop, merge
from skillstack.compression.merging.ties import merge as ties
from skillstack.errors import UsageError

from .adapters import close, deltas

LINEAR = {"drop": 0.5, "then": 0.0, "lambda": 1.0}


def test_the_mean_over_seeds_is_the_mean_of_the_updates():
    parts = deltas(3)
    weights = [1, 2, 1]
    wanted = sum(w * part.dense() for w, part in zip(weights, parts, strict=True)) / 4
    seeds = 2000
    mean = sum(merge(parts, weights, LINEAR, seed, "query").dense() for seed in range(seeds)) / seeds
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
    alone = merge([None, parts[1]], [1, 1], LINEAR, 0, "query").dense()
    both = merge(parts, [1, 1], LINEAR, 0, "query").dense()
    first = merge([parts[0], None], [1, 1], LINEAR, 0, "query").dense()
    assert close(alone + first, both, 1e-6)


def test_signs_are_elected_where_that_is_wanted():
    parts = deltas(3)
    nothing_dropped = {"drop": 0.0, "then": 1.0, "lambda": 0.7}
    wanted = ties(parts, [1, 1, 1], {"density": 1.0, "lambda": 0.7}, 0, "")
    assert close(merge(parts, [1, 1, 1], nothing_dropped, 5, "").dense(), wanted.dense(), 1e-6)


def test_settings_out_of_range_are_refused():
    for settings in ({"drop": 1.0}, {"drop": -0.1}, {"then": 0.5}, {"then": 2.0}):
        with pytest.raises(UsageError):
            merge(deltas(2), [1, 1], {**METHOD.defaults, **settings}, 0, "")
    with pytest.raises(UsageError, match="cancel"):
        merge(deltas(2), [1, -1], METHOD.defaults, 0, "")
