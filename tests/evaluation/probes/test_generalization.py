"""A stack and single adapters answer the same mixed texts."""

import json

import numpy as np
import pytest

from skillstack.errors import InputError

from ..world import FEW, TASKS, part, probe


@pytest.fixture(scope="module")
def found(asked):
    return probe(asked, "generalization")


def test_there_are_as_many_texts_of_each_task(found):
    assert found.texts == 2 * FEW
    assert all(share.n == 3 * 2 * FEW for share in found.ways.values())
    assert list(found.tasks) == list(TASKS)


def test_answers_are_those_of_the_evaluation_where_it_asked_the_same_texts(found, evaluation):
    for task in (evaluation.tasks[0], evaluation.tasks[2]):  # all of their texts are in the sample
        for way in ("task_aware", "routed", "latest_adapter"):
            assert found.tasks[task.task][way] == task.answers[way].count.accuracy


def test_nothing_is_asked_that_an_evaluation_with_all_frames_asked(found):
    assert found.origin.effort.asked == 0


def test_accuracies_are_means_over_the_tasks(found):
    for way, share in found.ways.items():
        assert share.accuracy == pytest.approx(np.mean([by[way] for by in found.tasks.values()]))
        assert share.interval.low <= share.accuracy <= share.interval.high


def test_the_best_single_frame_on_its_own_texts_is_no_worse_than_any(found):
    assert found.optimistic_accuracy >= found.ways["latest_adapter"].accuracy
    assert found.optimistic in TASKS and set(found.best) <= set(TASKS)


def test_a_seed_draws_the_same_texts_again_and_another_one_others(asked, found):
    few = [probe(asked, "generalization", texts=4, seed=seed).to_json() for seed in (0, 0, 1)]
    for document in few:
        document.pop("effort")
    assert few[0]["texts_per_task"] == 4
    assert few[0] == few[1] != few[2]


def test_a_stack_of_one_frame_is_its_own_best(answered):
    found = probe(part(answered, answered.frame(TASKS[0]).content), "generalization")
    assert len({share.accuracy for share in found.ways.values()}) == 1
    assert all(paired.difference == 0 and paired.p == 1 for paired in found.differences.values())
    assert found.best == (TASKS[0], TASKS[0])


def test_a_task_of_one_text_is_refused(answered, tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("text,label\nWhat a film!,positive\n,negative\n", encoding="utf-8")
    with pytest.raises(InputError, match="one test text of 'imdb_sentences'"):
        probe(answered, "generalization", tables={TASKS[0]: path})


def test_its_document_is_finite_json(found):
    document = found.to_json()
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert (document["schema"], document["probe"], document["seed"]) == (1, "generalization", 0)
    assert document["best_single_on_the_same_texts"]["frame"] == found.optimistic
