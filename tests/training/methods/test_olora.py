"""Older updates stay; the new one is drawn away from them."""

import numpy as np
import torch

from skillstack.continual.methods.olora import overlap


def test_the_penalty_is_zero_for_orthogonal_spaces():
    whole = torch.linalg.qr(torch.randn(12, 12, dtype=torch.float64))[0]
    assert float(overlap([(whole[:3], whole[3:6])])) < 1e-20
    assert float(overlap([(whole[:3], whole[:3])])) > 2.99


def test_the_penalty_is_the_sum_of_squared_products_over_layers():
    old, new = torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0, 1.0], [0.0, 2.0]])
    assert float(overlap([(old, new), (old, new)])) == 2 * (5.0**2 + 4.0**2)


def test_older_updates_stay_as_they_were(room):
    learner = room.learner("olora", learn=1)
    before, r = dict(learner.adapter), room.recipe.r
    learner.learn(room.order()[1])
    for name, tensor in learner.adapter.items():
        old = tensor[:r] if name.endswith("lora_A.weight") else tensor[:, :r]
        np.testing.assert_array_equal(old, before[name])
        assert tensor.shape != before[name].shape


def test_weight_decay_does_not_touch_them_either(make_room):
    room = make_room(weight_decay=0.5)
    learner = room.learner("olora", learn=1)
    before, r = dict(learner.adapter), room.recipe.r
    learner.learn(room.order()[1])
    for name, tensor in learner.adapter.items():
        old = tensor[:r] if name.endswith("lora_A.weight") else tensor[:, :r]
        np.testing.assert_array_equal(old, before[name])


def test_a_stronger_penalty_leaves_less_overlap(room):
    def left(strength: float) -> float:
        learner, r = room.learner("olora", **{"lambda": strength}), room.recipe.r
        pairs = [
            (torch.from_numpy(tensor[:r].copy()), torch.from_numpy(tensor[r:].copy()))
            for name, tensor in learner.adapter.items()
            if name.endswith("lora_A.weight")
        ]
        return float(overlap(pairs))

    assert left(10.0) < left(0.0)


def test_the_first_task_is_learned_as_without_it(room):
    task = room.order()[0]
    ours, plain = (room.learner(name, learn=1) for name in ("olora", "independent"))
    np.testing.assert_array_equal(ours.logits(0, task.dev), plain.logits(0, task.dev))
