"""All rows at once, in as many steps as the others take together."""

import pytest

from skillstack.continual.methods.joint import joint_schedule


def test_it_answers_nothing_before_the_last_task_has_come(room):
    learner = room.learner("joint", learn=1)
    with pytest.raises(ValueError, match="last task"):
        learner.logits(0, room.order()[0].dev)


def test_it_takes_the_steps_of_all_tasks_together(room):
    rows = [len(task.train.labels) for task in room.order()]
    schedule = joint_schedule(room.recipe, rows)
    assert schedule.steps == sum(room.recipe.steps(count) for count in rows)
    assert schedule.rows == sum(rows)
    assert schedule.average_from == schedule.steps // 2 + 1


def test_the_order_of_the_tasks_changes_their_places_alone(room):
    learner = room.learner("joint", "banking", "imdb_sentences")
    for task in room.order("banking", "imdb_sentences"):
        assert learner.logits(task.number, task.dev).shape[1] == task.labels
