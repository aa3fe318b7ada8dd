"""What answers for a task is chosen on dev, by one rule for every method."""

import numpy as np
import pytest

from skillstack.continual.method import answering_head, frozen_head, starting_head
from skillstack.models.heads import Head
from skillstack.skills.classification import measure
from skillstack.store.records import Count


def useless(lesson, width: int) -> Head:
    return Head(np.zeros((lesson.labels, width), np.float32), np.arange(lesson.labels, dtype=np.float32))


def on_dev(room, lesson, answering) -> Count:
    if not answering.bare:
        room.slot.start_fresh(room.lessons.spec, 0)
    return Count(
        int((answering.logits(room.slot, lesson.dev, None).argmax(axis=1) == lesson.dev_labels).sum()),
        len(lesson.dev_labels),
    )


@pytest.mark.parametrize("refit", [True, False])
def test_no_other_head_is_better_on_dev(make_room, refit):
    room = make_room(refit=refit)
    terms, lesson = room.terms("sequential"), room.order()[0]
    started = starting_head(terms, lesson, bare=True)
    for trained in (started, useless(lesson, room.slot.base.hidden_size)):
        room.slot.start_fresh(terms.spec, 0)
        chosen = answering_head(terms, lesson, trained)
        _, count = frozen_head(terms, lesson)
        assert on_dev(room, lesson, chosen).correct >= count.correct
        room.slot.start_fresh(terms.spec, 0)
        assert (
            on_dev(room, lesson, chosen).correct
            >= measure(trained, lesson.dev.features(), lesson.dev_labels).correct
        )


def test_of_equals_the_one_that_has_seen_more_is_taken(make_room):
    """A fresh adapter changes no feature, so the frozen-linear head and the refitted one are equals."""
    room = make_room(refit=True)
    terms, lesson = room.terms("sequential"), room.order()[0]
    room.slot.start_fresh(terms.spec, 0)
    assert not answering_head(terms, lesson, frozen_head(terms, lesson)[0]).bare


def test_a_head_on_the_bare_base_does_not_see_the_adapter(room):
    learner = room.learner("sequential", learn=1)
    first, second = room.order()
    learner.answering[0] = type(learner.answering[0])(frozen_head(learner.terms, first)[0], bare=True)
    before = learner.logits(0, first.dev)
    learner.learn(second)
    np.testing.assert_array_equal(learner.logits(0, first.dev), before)
