"""Every skill sits with its own rows, each with the route that the router gives it."""

import pytest

from skillstack.errors import UsageError
from skillstack.evaluation.questions import EvaluatedStack, EvaluationConfig, stack_questions

from .world import FEW, TASKS, no_base


@pytest.fixture
def evaluated(asked, tmp_path):
    return EvaluatedStack("main", asked.frames()[::-1], asked.route, no_base, "fp32", tmp_path)


def test_skills_come_oldest_first_with_the_routes_of_their_own_rows(asked, evaluated):
    found = stack_questions(evaluated, EvaluationConfig(per_class=FEW))
    assert [entry.skill.name for entry in found.each] == list(TASKS) and not found.skipped
    for entry in found.each:
        routes = asked.route(list(entry.rows))
        assert entry.choices == tuple(route.skill for route in routes)
        assert len(entry.labels) == len(entry.rows) == len(entry.skill.labels) * FEW
    assert evaluated.tip.name == TASKS[-1]


def test_a_part_of_the_questions_keeps_rows_labels_and_routes_together(evaluated):
    entry = stack_questions(evaluated, EvaluationConfig(per_class=FEW)).each[0]
    places = [5, 0, 3]
    taken = entry.take(places)
    assert taken.rows == tuple(entry.rows[place] for place in places)
    assert taken.labels.tolist() == [entry.questions.labels[place] for place in places]
    assert taken.choices == tuple(entry.choices[place] for place in places)
    assert (taken.skill, taken.frame) == (entry.skill, entry.frame)


def test_only_what_was_named_is_evaluated_by_skill_or_by_task(evaluated):
    found = stack_questions(evaluated, EvaluationConfig(per_class=FEW, only=(TASKS[2], TASKS[0])))
    assert [entry.skill.name for entry in found.each] == [TASKS[0], TASKS[2]]
    with pytest.raises(UsageError, match="no 'wiki'"):
        stack_questions(evaluated, EvaluationConfig(only=("wiki",)))
