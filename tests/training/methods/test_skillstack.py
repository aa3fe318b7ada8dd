"""The product as one method among others: the same frames, kept in a store, gone on with."""

from dataclasses import replace

import numpy as np

from skillstack.continual import registry
from skillstack.training.plan import TrainingPlan
from skillstack.training.run import train_stack


def test_its_frames_are_those_that_train_makes(room):
    learner = room.learner("skillstack")
    job = TrainingPlan("same", room.tasks, room.recipe, "fp32")
    room.slot.remove()
    store = learner.place.store
    train_stack(store, job, lambda: room.slot.base, lambda chain: None, lambda event: None)
    ours, theirs = ([content_id for content_id, _ in store.contents(s)] for s in ("main", "same"))
    assert ours == theirs


def test_a_stack_that_is_there_is_not_trained_again(room):
    context = room.context("skillstack")
    first, again = (registry.method("skillstack").make(context) for _ in range(2))
    for task in room.order():
        first.learn(task)
    for task in room.order():
        again.learn(task)
    assert (first.resumed, again.resumed) == (False, True)
    for task in room.order():
        np.testing.assert_array_equal(
            first.logits(task.number, task.dev), again.logits(task.number, task.dev)
        )


def test_the_router_is_made_for_every_frame(room):
    seen = []
    context = room.context("skillstack")
    place = replace(context.place, fit_router=lambda chain: seen.append(len(chain)))
    learner = registry.method("skillstack").make(replace(context, place=place))
    for task in room.order():
        learner.learn(task)
    assert seen == [1, 2]
