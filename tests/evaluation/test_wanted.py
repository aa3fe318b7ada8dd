"""Answers of another skill count by the names of its labels."""

from dataclasses import replace

import numpy as np
import pytest

from skillstack.evaluation.prediction_plan import PredictionPlan, like, strays
from skillstack.evaluation.predictions import Predictions
from skillstack.evaluation.questions import EvaluatedStack, EvaluationConfig, stack_questions
from skillstack.store.derived import FOLDER

from .world import FEW, TASKS, no_base


def wanted_of(stack, load=no_base):
    evaluated = EvaluatedStack(
        "main", stack.frames()[::-1], stack.route, load, "fp32", stack.store.root / FOLDER
    )
    return PredictionPlan(evaluated), stack_questions(evaluated, EvaluationConfig(per_class=FEW)).each


def answer(stack, wanted):
    load = lambda: stack.loaded()  # noqa: E731
    return wanted.ask(Predictions(stack.store.root / FOLDER, load, "fp32"))


def test_strays_are_other_skills_each_once():
    assert strays("a", ["b", "a", None, "c", "b"]) == ["b", "c"]
    assert strays("a", ["a", None]) == []


def test_every_row_is_answered_by_the_skill_that_was_chosen_for_it(answered):
    wanted, (films, _, _) = wanted_of(answered)
    choices = [TASKS[2], None, TASKS[0], TASKS[1], *[TASKS[0]] * 4]
    wanted.own(films)
    wanted.routed(films, choices)
    logits = answer(answered, wanted)
    found = wanted.answers(films, choices, logits)
    own = logits[TASKS[0], "own"].argmax(axis=1)
    other = answered.predict(films.rows[0], frame=TASKS[2]).label_name
    assert films.skill.labels[found[0]] == other
    # A rejected row and a label that the own skill does not have are no answers.
    assert found[1] == found[3] == -1
    assert found[[2, 4, 5, 6, 7]].tolist() == own[[2, 4, 5, 6, 7]].tolist()
    assert wanted.count == len(films.rows) + 2


def test_labels_in_another_order_are_the_same_labels(answered):
    wanted, (films, _, _) = wanted_of(answered)
    frame, skill = wanted.skills[TASKS[2]]
    wanted.own(films)
    wanted.routed(films, [TASKS[2]] * 8)
    logits = answer(answered, wanted)
    straight = wanted.answers(films, [TASKS[2]] * 8, logits)
    wanted.skills[TASKS[2]] = frame, replace(skill, labels=skill.labels[::-1])
    assert np.array_equal(wanted.answers(films, [TASKS[2]] * 8, logits), 1 - straight)


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, True),
        ({"labels": ("positive", "negative")}, True),
        ({"labels": ("no", "yes")}, False),
        ({"pair": True}, False),
    ],
)
def test_a_frame_can_stand_in_if_it_reads_the_same_rows_and_has_the_same_labels(asked, changes, found):
    frame = asked.frame(TASKS[0])
    skill = replace(asked.frame(TASKS[2]).skills[0], **changes)
    assert (like(frame, skill) is not None) is found


def test_of_a_frame_with_several_such_skills_a_tasks_own_is_meant(asked):
    frame = asked.frame(TASKS[0])
    skills = [replace(frame.skills[0], name=name) for name in ("one", "two", "three")]
    merged = replace(frame, content=replace(frame.content, skills=tuple(skills)))
    assert [like(merged, skill).name for skill in skills] == ["one", "two", "three"]
    assert like(merged, frame.skills[0]).name == "one"
