"""Frames without lineage: trained as the stack's are, each from nothing."""

import numpy as np


def test_no_frame_starts_from_another(make_room):
    room = make_room(init="parent", learning_rate=5e-3)
    stack, alone = (room.learner(name) for name in ("skillstack", "independent"))
    starts = [content.init_from for _, content in alone.chain()]
    assert starts == [None, None]
    np.testing.assert_array_equal(*(one.logits(0, room.order()[0].dev) for one in (stack, alone)))


def test_the_order_of_the_tasks_changes_nothing(room):
    forward, reverse = room.learner("independent"), room.learner("independent", "banking", "imdb_sentences")
    first = room.order()[0]
    np.testing.assert_array_equal(forward.logits(0, first.dev), reverse.logits(1, first.dev))


def test_no_router_is_fitted_or_paid_for(room):
    learner = room.learner("independent")
    assert not learner.place.store.routers.exists()
    assert learner.cost.texts == 0
