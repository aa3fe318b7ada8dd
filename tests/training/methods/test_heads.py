"""What answers for a task is chosen on dev, by one rule for every method."""

import numpy as np
import pytest

from skillstack.continual.method import answering_head, frozen_head, starting_head
from skillstack.models.heads import Head
from skillstack.skills.head_training import measure
from skillstack.store.records import Count


def useless(task, width: int) -> Head:
    return Head(np.zeros((task.labels, width), np.float32), np.arange(task.labels, dtype=np.float32))


def on_dev(room, task, answering) -> Count:
    if not answering.bare:
        room.slot.start_fresh(room.sequence.spec, 0)
    return Count(
        int((answering.logits(room.slot, task.dev, None).argmax(axis=1) == task.dev.labels).sum()),
        len(task.dev.labels),
    )


@pytest.mark.parametrize("refit", [True, False])
def test_no_other_head_is_better_on_dev(make_room, refit):
    room = make_room(refit=refit)
    context, task = room.context("sequential"), room.order()[0]
    started = starting_head(context, task, bare=True)
    for trained in (started, useless(task, room.slot.base.hidden_size)):
        room.slot.start_fresh(context.spec, 0)
        chosen = answering_head(context, task, trained)
        _, count = frozen_head(context, task)
        assert on_dev(room, task, chosen).correct >= count.correct
        room.slot.start_fresh(context.spec, 0)
        assert (
            on_dev(room, task, chosen).correct
            >= measure(trained, task.dev.features(), task.dev.labels).correct
        )


def test_of_equals_the_one_that_has_seen_more_is_taken(make_room):
    """A fresh adapter changes no feature, so the frozen-linear head and the refitted one are equals."""
    room = make_room(refit=True)
    context, task = room.context("sequential"), room.order()[0]
    room.slot.start_fresh(context.spec, 0)
    assert not answering_head(context, task, frozen_head(context, task)[0]).bare


def test_a_head_on_the_bare_base_does_not_see_the_adapter(room):
    learner = room.learner("sequential", learn=1)
    first, second = room.order()
    learner.answering[0] = type(learner.answering[0])(frozen_head(learner.context, first)[0], bare=True)
    before = learner.logits(0, first.dev)
    learner.learn(second)
    np.testing.assert_array_equal(learner.logits(0, first.dev), before)
