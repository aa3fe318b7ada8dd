"""The leash holds what mattered, and a leash of no strength is none."""

import numpy as np
import pytest
import torch

from skillstack.continual.methods.ewc import fisher


def distance(one, other) -> float:
    return sum(float(((one[name] - other[name]) ** 2).sum()) for name in one) ** 0.5


def test_without_strength_it_is_sequential(room):
    plain = room.learner("sequential")
    loose = room.learner("ewc", **{"lambda": 0.0})
    for name in plain.adapter:
        np.testing.assert_array_equal(plain.adapter[name], loose.adapter[name])


def test_a_strong_leash_keeps_the_adapter_near(room):
    def moved(strength: float) -> float:
        learner = room.learner("ewc", learn=1, **{"lambda": strength})
        before = dict(learner.adapter)
        learner.learn(room.order()[1])
        return distance(before, learner.adapter)

    assert moved(1e5) < moved(1e-3)


def test_the_penalty_is_the_sum_of_those_of_the_tasks(room):
    learner = room.learner("ewc", learn=1, **{"lambda": 2.0})
    first, centre = dict(learner._fisher), dict(learner._centre)
    learner.learn(room.order()[1])
    second = {name: learner._fisher[name] - first[name] for name in first}
    room.slot.copy_in(learner.adapter, learner.context.spec)
    here = {name: tensor.detach().clone() for name, tensor in room.slot.named_parameters().items()}

    def difference() -> float:
        """Of the two penalties and the one that stands for both, at some place."""
        place = {name: torch.randn_like(tensor) for name, tensor in here.items()}

        def penalty(weight, middle) -> float:
            return sum(float((weight[n] * (place[n] - middle[n]) ** 2).double().sum()) for n in place)

        return penalty(first, centre) + penalty(second, here) - penalty(learner._fisher, learner._centre)

    # Both are quadratics of the same curvature and the same minimum: they differ by a constant.
    assert difference() == pytest.approx(difference(), rel=1e-3, abs=1e-4)


def test_fisher_information_is_no_less_than_zero_and_leaves_no_gradients(room):
    learner, task = room.learner("ewc", learn=1), room.order()[0]
    room.slot.copy_in(learner.adapter, learner.context.spec)
    found = fisher(room.slot, task, learner.heads[0], 42)
    assert all(bool((part >= 0).all()) for part in found.values())
    assert any(bool((part > 0).any()) for part in found.values())
    assert not any(p.requires_grad for p in room.slot.named_parameters().values())
