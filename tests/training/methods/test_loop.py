"""One loop for all methods: the recipe's steps, and what a method hooks into them."""

import dataclasses

import numpy as np
import pytest
import torch

from skillstack.continual.method import starting_head
from skillstack.errors import SkillStackError
from skillstack.models.features import HiddenCache
from skillstack.models.heads import Head
from skillstack.training.loop import train_adapter
from skillstack.training.recipe import Schedule
from skillstack.training.steps import Hooks


def begun(room, **changes):
    """A dataset on the first task, its starting head, and its schedule."""
    task, recipe = room.order()[0], dataclasses.replace(room.recipe, **changes)
    head = starting_head(room.context("independent"), task, bare=True)
    room.slot.start_fresh(room.sequence.spec, recipe.seed)
    dataset = task.train.under(0)
    return dataset, {0: head}, recipe, Schedule.of(recipe, dataset.own)


def test_only_adapter_and_heads_move_and_nothing_keeps_gradients(room):
    dataset, heads, recipe, schedule = begun(room)
    before = room.slot.read_out()
    base = {n: p.clone() for n, p in room.slot.base.whole.named_parameters() if "lora_" not in n}
    taken = train_adapter(room.slot, dataset, heads, recipe, schedule)
    assert any(not np.array_equal(before[name], after) for name, after in room.slot.read_out().items())
    assert not np.array_equal(heads[0].weight, taken.heads[0].weight)
    now = dict(room.slot.base.whole.named_parameters())
    assert all(torch.equal(tensor, now[name]) for name, tensor in base.items())
    assert not any(parameter.requires_grad for parameter in now.values())


def test_it_takes_the_schedules_steps_over_every_row(room):
    dataset, heads, recipe, schedule = begun(room)
    taken = train_adapter(room.slot, dataset, heads, recipe, schedule)
    assert taken.steps == schedule.steps
    assert taken.rows == recipe.epochs * dataset.own


def test_hooks_are_called_at_every_step_in_their_order(room):
    said = []

    class Saying(Hooks):
        def rows(self, step, own):
            said.append(("rows", step))
            return []

        def penalty(self):
            said.append("penalty")
            return None

        def gradients(self):
            said.append("gradients")

        def moved(self):
            said.append("moved")

    dataset, heads, recipe, schedule = begun(room)
    train_adapter(room.slot, dataset, heads, recipe, schedule, hooks=Saying())
    expected = [[("rows", step), "penalty", "gradients", "moved"] for step in range(1, schedule.steps + 1)]
    assert said == [word for step in expected for word in step]


def test_a_loss_that_is_not_finite_ends_it(room):
    dataset, heads, recipe, schedule = begun(room)
    broken = Head(np.full_like(heads[0].weight, np.nan), heads[0].bias)
    with pytest.raises(SkillStackError, match="diverged at step 1"):
        train_adapter(room.slot, dataset, {0: broken}, recipe, schedule)


def test_rows_of_several_caches_in_one_batch_are_read_as_each_alone(room):
    first, second = (task.train.cache for task in room.order())
    joined = HiddenCache.joined([(first, [2, 0]), (second, [1])])
    hidden, mask = joined.forward([0, 1, 2])
    for place, (cache, row) in enumerate([(first, 2), (first, 0), (second, 1)]):
        alone, alone_mask = cache.forward([row])
        length = int(alone_mask.sum())
        assert int(mask[place].sum()) == length
        torch.testing.assert_close(hidden[place, :length], alone[0, :length], rtol=1e-4, atol=1e-4)
