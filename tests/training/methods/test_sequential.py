"""One adapter goes on; each task's head stays."""

import numpy as np


def test_the_first_task_is_learned_as_an_independent_adapter_would(room):
    first = room.order()[0]
    sequential, independent = (room.learner(name, learn=1) for name in ("sequential", "independent"))
    np.testing.assert_array_equal(sequential.logits(0, first.dev), independent.logits(0, first.dev))


def test_later_tasks_move_the_adapter_and_leave_older_heads(room):
    learner = room.learner("sequential", learn=1)
    adapter, head = dict(learner.adapter), learner.heads[0]
    learner.learn(room.order()[1])
    assert learner.heads[0] is head
    assert any(not np.array_equal(adapter[name], learner.adapter[name]) for name in adapter)


def test_a_lower_rate_moves_it_less(room):
    def moved(rate: float) -> float:
        learner = room.learner("sequential", learn=1, rate=rate)
        before = dict(learner.adapter)
        learner.learn(room.order()[1])
        return sum(float(((learner.adapter[name] - before[name]) ** 2).sum()) for name in before)

    assert moved(0.1) < moved(1.0)
