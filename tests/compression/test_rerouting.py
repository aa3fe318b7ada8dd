"""Scores of an order of frames that no stack has yet: the same, and fitted once."""

import numpy as np
import pytest

from skillstack.compression.families import family_of, merged_chain
from skillstack.compression.rerouting import rerouted
from skillstack.frames.rows import Row
from skillstack.stack_router import StackRouter

#: No skill here reads a pair.
ROWS = [Row("A fine film."), Row("The soup was cold."), Row("Turn the lights off."), Row("Who?", "She.")]


def test_what_is_read_is_what_the_router_said_and_nothing_is_fitted_again(stack, tmp_path, monkeypatch):
    frames = tuple(reversed(stack.frames()))
    chain = merged_chain(frames, [family_of(frames, "sentiment")])
    wanted = StackRouter(stack.store, stack.name, keep=False).scores(tuple(chain), ROWS)
    rerouted(stack.store, stack.name, tmp_path / "derived")(chain, ROWS)

    def fitted(*_):
        raise AssertionError("a router was fitted")

    monkeypatch.setattr(StackRouter, "_fitted", fitted)
    scores = rerouted(stack.store, stack.name, tmp_path / "derived")
    found = scores(chain, ROWS)
    np.testing.assert_array_equal(found.values, wanted.values)
    assert found.values.dtype == wanted.values.dtype and np.isinf(found.values[3]).all()
    assert (found.skills, found.frames, found.threshold) == (wanted.skills, wanted.frames, wanted.threshold)
    for other in ((chain[1:], ROWS), (chain, ROWS[:2])):
        with pytest.raises(AssertionError, match="a router was fitted"):
            scores(*other)
