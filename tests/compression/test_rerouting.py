"""Scores of an order of frames that no stack has yet: the same, and fitted once."""

from dataclasses import replace

import numpy as np
import pytest

from skillstack.compression.families import family_of, merged_chain
from skillstack.compression.rerouting import rerouted
from skillstack.routers.stack_router import StackRouter
from skillstack.store.rows import Row

ROWS = [Row("A fine film."), Row("The soup was cold."), Row("Turn the lights off.")]


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
    assert found.values.dtype == wanted.values.dtype
    assert (found.skills, found.frames, found.threshold) == (wanted.skills, wanted.frames, wanted.threshold)
    for other in ((chain[1:], ROWS), (chain, ROWS[:2])):
        with pytest.raises(AssertionError, match="a router was fitted"):
            scores(*other)


def test_a_skill_that_cannot_read_a_row_has_no_score_when_it_is_read_again(stack, tmp_path, monkeypatch):
    real = StackRouter.scores

    def unreadable(self, chain, rows):
        found = real(self, chain, rows)
        values = found.values.copy()
        values[0, 1] = -np.inf  # as a skill of pairs has it for a single text
        return replace(found, values=values)

    monkeypatch.setattr(StackRouter, "scores", unreadable)
    chain = [(frame.content_id, frame.content) for frame in reversed(stack.frames())]
    first, again = (rerouted(stack.store, stack.name, tmp_path / "derived")(chain, ROWS) for _ in range(2))
    np.testing.assert_array_equal(again.values, first.values)
    assert again.values[0, 1] == -np.inf and np.isfinite(again.values).sum() == again.values.size - 1
