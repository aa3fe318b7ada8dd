"""Accuracy and macro-F1, by hand and against scikit-learn."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score

from skillstack.evaluation.metrics import NO_ANSWER, accuracy, macro, macro_f1

ROWS = st.lists(st.tuples(st.integers(0, 5), st.integers(-1, 5)), min_size=1, max_size=60)


def test_accuracy_is_the_share_of_right_answers_and_0_of_none() -> None:
    assert accuracy(np.array([True, False, True, True])) == 0.75
    assert accuracy(np.zeros(0, np.bool_)) == 0.0


def test_macro_f1_by_hand() -> None:
    # Class 0: 2 hits, 1 missed, 0 by mistake: 4/5. Class 1: 1 hit, 1 missed, 1 by mistake: 1/2.
    # Class 2 is named once and never right: 0. Class 3 does not come up.
    assert macro_f1([0, 0, 0, 1, 1], [0, 0, 1, 1, 2], 4) == pytest.approx((0.8 + 0.5 + 0.0) / 3)


def test_a_row_that_nobody_answered_is_a_miss_of_its_class_and_a_mistake_of_none() -> None:
    assert macro_f1([0, 0, 1], [0, NO_ANSWER, 1], 2) == pytest.approx((2 / 3 + 1) / 2)
    assert macro_f1([0, 1], [NO_ANSWER, NO_ANSWER], 2) == 0.0


@given(ROWS)
def test_macro_f1_agrees_with_scikit_learn(rows: list[tuple[int, int]]) -> None:
    labels, answers = (np.array(side) for side in zip(*rows, strict=True))
    classes = sorted(set(labels.tolist()) | set(answers.tolist()) - {NO_ANSWER})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = f1_score(labels, answers, labels=classes, average="macro", zero_division=0)
    assert macro_f1(labels, answers, 6) == pytest.approx(theirs)
    assert accuracy(labels == answers) == pytest.approx(accuracy_score(labels, answers))


@given(ROWS, st.permutations(range(6)), st.integers(6, 40))
def test_names_of_classes_and_classes_that_do_not_occur_change_nothing(
    rows: list[tuple[int, int]], names: list[int], classes: int
) -> None:
    labels, answers = ([row[side] for row in rows] for side in (0, 1))
    renamed = [names[label] for label in labels], [a if a == NO_ANSWER else names[a] for a in answers]
    assert macro_f1(*renamed, classes) == pytest.approx(macro_f1(labels, answers, 6))


def test_what_is_no_class_is_refused() -> None:
    for labels, answers in (
        ([0, 3], [0, 1]),
        ([0, 1], [0, 3]),
        ([-1, 1], [0, 1]),
        ([0, 1], [0, -2]),
        ([0], [0, 1]),
    ):
        with pytest.raises(ValueError):
            macro_f1(labels, answers, 3)


def test_over_tasks_each_task_weighs_the_same() -> None:
    assert macro([0.5, 1.0, 0.0]) == 0.5
    assert macro([]) == 0.0
    assert macro_f1([], [], 3) == 0.0
