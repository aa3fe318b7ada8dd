"""The surer an answer has to be, the fewer texts are answered."""

import numpy as np
import pytest

from skillstack.evaluation.answered import THRESHOLDS, AnsweredRows
from skillstack.store.rows import Row


def rows_of(probabilities, right):
    hits = np.array(right, bool)
    return AnsweredRows(
        names=("no", "yes"),
        rows=tuple(Row(f"text {place}", "second") for place in range(len(hits))),
        right=np.ones(len(hits), np.int64),
        given=hits.astype(np.int64),
        probabilities=np.array(probabilities, np.float64),
        choices=("own", "other", None, "own")[: len(hits)],
    )


def test_coverage_counts_the_answers_that_are_sure_enough_and_the_right_ones_among_them():
    found = rows_of([0.5, 0.7, 0.85, 0.97], [False, True, False, True]).coverage
    assert [one.min_probability for one in found] == list(THRESHOLDS) == [0.5, 0.7, 0.8, 0.9, 0.95]
    assert [one.answered.n for one in found] == [4, 3, 2, 1, 1]
    assert [one.coverage for one in found] == [1.0, 0.75, 0.5, 0.25, 0.25]
    assert [one.accuracy for one in found] == [0.5, pytest.approx(2 / 3), 0.5, 1.0, 1.0]


def test_where_no_answer_is_sure_enough_there_is_no_accuracy():
    last = rows_of([0.6], [True]).coverage[-1]
    assert (last.coverage, last.accuracy) == (0.0, None)
    assert last.to_json()["accuracy"] is None


def test_a_wrong_answer_says_where_the_router_sends_its_text():
    found = rows_of([0.5, 0.7, 0.85, 0.97], [False, False, False, True]).mistakes("own")
    assert [(one.row.text, one.label, one.answer) for one in found] == [
        (f"text {place}", "yes", "no") for place in range(3)
    ]
    assert [(one.routed_to, one.routed_elsewhere) for one in found] == [
        ("own", False),
        ("other", True),
        (None, True),
    ]


@pytest.mark.parametrize("place", [0, 1])
def test_an_evaluation_has_the_coverage_that_predict_gives(answered, evaluation, place):
    task, document = evaluation.tasks[place], evaluation.to_json()["tasks"][place]
    for one in document["coverage"]:
        least = one["min_probability"]
        found = answered.predict(list(task.own.rows), frame=task.frame, min_probability=least)
        assert sum(answer.label is not None for answer in found) == one["answered"]
        assert one["coverage"] == round(one["answered"] / task.n, 6)
