"""Other orders of frames walk the same scores."""

import json
from math import factorial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillstack.evaluation.probes.order import orders
from skillstack.routers import calibration

from ..world import TASKS, part, probe


@pytest.fixture(scope="module")
def found(asked):
    return probe(asked, "order", orders=2)


@given(st.integers(1, 6), st.integers(0, 8), st.integers(0, 3))
def test_orders_are_different_permutations_as_many_as_there_are(frames, count, seed):
    drawn = orders(frames, count, seed)
    assert drawn == orders(frames, count, seed)
    assert all(sorted(order) == list(range(frames)) for order in drawn.values())
    assert len({tuple(order) for order in drawn.values()}) == len(drawn)
    assert len(drawn) == min(factorial(frames), count + min(frames, 2))
    assert drawn["stack"] == list(range(frames))


def test_the_stacks_own_order_is_what_routes(found, evaluation):
    own = found.walks[0]
    assert own.name == "stack" and own.frames == tuple(reversed(TASKS))
    assert own.difference is None and own.moved == 0
    assert own.routed.accuracy == pytest.approx(evaluation.modes["routed"].accuracy)
    assert own.router == evaluation.routing.task
    assert own.fallback == pytest.approx(evaluation.routing.fallback)
    assert own.depth == pytest.approx(evaluation.routing.depth)


def test_the_reverse_looks_at_the_oldest_frame_first(found):
    walk = found.walks[1]
    assert walk.name == "reversed" and walk.frames == TASKS
    assert walk.difference is not None
    assert walk.difference.difference == pytest.approx(walk.routed.accuracy - found.walks[0].routed.accuracy)


def test_whether_a_score_is_high_enough_does_not_depend_on_the_order(found):
    assert len({walk.fallback for walk in found.walks}) == 1


def test_a_threshold_that_no_score_reaches_leaves_no_order(asked):
    walks = probe(asked, "order", threshold=1e6).walks
    assert all(walk.moved == 0 and walk.fallback == 1 and walk.depth == 3 for walk in walks)


def test_a_threshold_that_every_score_reaches_takes_whoever_comes_first(asked, monkeypatch):
    monkeypatch.setattr(calibration, "CLEARLY", 1e6)  # or it would take whoever scores clearly higher
    for walk in probe(asked, "order", threshold=-1e6).walks:
        assert walk.depth == 1 and walk.fallback == 0
        first = TASKS.index(walk.frames[0])
        assert walk.router.correct == (8, 56, 8)[first]


def test_fewer_frames_that_may_accept_leave_more_to_the_best_score(asked, found):
    near = probe(asked, "order", depth=1, orders=0)
    assert len(near.walks) == 2
    assert all(walk.fallback >= found.walks[0].fallback for walk in near.walks)


def test_the_spread_lies_between_the_best_and_the_worst(found):
    accuracies = [walk.routed.accuracy for walk in found.walks]
    assert found.spread == pytest.approx(max(accuracies) - min(accuracies))


def test_one_frame_has_one_order(answered):
    found = probe(part(answered, answered.frame(TASKS[0]).content), "order")
    assert [walk.name for walk in found.walks] == ["stack"] and found.spread == 0


def test_its_document_is_finite_json(found):
    document = found.to_json()
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert [walk["order"] for walk in document["orders"]] == ["stack", "reversed", "random 1", "random 2"]
