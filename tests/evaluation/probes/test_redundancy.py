"""Frames of a family as stand-ins for each other."""

import json

import numpy as np
import pytest

from skillstack.evaluation.probes.redundancy import redundancy

from ..world import TASKS, add, part, probe, renamed


@pytest.fixture(scope="module")
def found(asked):
    return probe(asked, "redundancy")


def test_figures_are_those_of_the_evaluations_matrix(found, evaluation):
    matrix = evaluation.matrix.own_head
    assert found.own_head.families == ("sentiment", "topic")
    # Sentiment has two frames, so a frame on its own task does not count; topic has but that.
    assert found.own_head.own == (False, True)
    (of_sentiment, on_topic), (of_topic, topic) = found.own_head.matrix
    assert of_sentiment == pytest.approx((matrix[0][2] + matrix[2][0]) / 2)
    assert on_topic == pytest.approx((matrix[0][1] + matrix[2][1]) / 2)
    assert of_topic == pytest.approx((matrix[1][0] + matrix[1][2]) / 2)
    assert topic == matrix[1][1]


def test_frames_as_they_are_count_where_they_have_the_labels(found, evaluation):
    matrix = evaluation.matrix.frame_head
    assert found.frame_head.matrix[0][0] == pytest.approx((matrix[0][2] + matrix[2][0]) / 2)
    assert found.frame_head.matrix[0][1] is None and found.frame_head.matrix[1][0] is None


def test_a_stand_in_is_of_the_same_family_and_another_frame(found):
    first, topic, last = found.tasks
    assert first.own_head.frame == TASKS[2] and last.own_head.frame == TASKS[0]
    assert first.own_head.others == 1
    assert topic.own_head is None and topic.frame_head is None


def test_the_shortfall_is_the_difference_on_the_same_texts(found, evaluation):
    first = found.tasks[0]
    assert first.accuracy == evaluation.matrix.own_head[0][0]
    # With one candidate there is nothing to choose, so it answers both halves.
    assert first.own_head.accuracy == evaluation.matrix.own_head[2][0]
    assert first.frame_head.accuracy == evaluation.matrix.frame_head[2][0]
    for stand_in in (first.own_head, first.frame_head):
        difference = stand_in.shortfall.difference
        assert difference == pytest.approx(first.accuracy - stand_in.accuracy)
        assert stand_in.shortfall.interval.low <= difference <= stand_in.shortfall.interval.high


def test_a_copy_of_a_frame_is_wholly_redundant(answered):
    content = answered.frame(TASKS[2]).content
    copy = renamed(content, "copy")
    found = probe(add(answered, copy), "redundancy", only=[TASKS[2]])
    (task,) = found.tasks
    assert task.own_head.others == 2
    by_copy = probe(part(answered, content, copy), "redundancy", only=[TASKS[2]]).tasks[0]
    for stand_in in (by_copy.own_head, by_copy.frame_head):
        assert stand_in.frame == "copy"
        assert stand_in.shortfall.difference == 0 and stand_in.shortfall.p == 1
        assert stand_in.redundancy in (None, 1.0)


@pytest.mark.parametrize(
    ("own", "other", "most", "share"),
    [
        (0.9, 0.9, 0.5, 1.0),
        (0.9, 0.7, 0.5, 0.5),
        (0.9, 0.4, 0.5, 0.0),
        (0.9, 0.95, 0.5, 1.0),
        (0.5, 0.9, 0.5, None),
        (0.4, 0.4, 0.5, None),
    ],
)
def test_redundancy_is_the_share_of_the_lead_that_another_frame_has_too(own, other, most, share):
    assert redundancy(own, other, most) == (None if share is None else pytest.approx(share))


def test_the_score_is_the_mean_of_those_that_have_one(found):
    for which, score in (("own_head", found.own_head_score), ("frame_head", found.frame_head_score)):
        stand_ins = [getattr(task, which) for task in found.tasks]
        values = [one.redundancy for one in stand_ins if one is not None and one.redundancy is not None]
        assert score == (pytest.approx(np.mean(values)) if values else None)


def test_one_frame_has_no_stand_in(answered):
    found = probe(part(answered, answered.frame(TASKS[0]).content), "redundancy")
    assert found.own_head_score is None and found.frame_head_score is None
    assert found.tasks[0].own_head is None


def test_its_document_is_finite_json(found):
    document = found.to_json()
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert document["own_head"]["own_tasks"] == [False, True]
