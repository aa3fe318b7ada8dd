"""A frame may have several skills, and a task several skills: each skill is measured by itself."""

import json
from dataclasses import replace

import numpy as np
import pytest

from skillstack.errors import MismatchError
from skillstack.evaluation.questions import ask
from skillstack.store import tensors
from skillstack.store.gc import collect

from .world import FEW, TASKS, add, evaluate, part, probe

FILMS, TOPICS, PLACES = TASKS


def both(stack, **changes):
    """A frame with the adapter of one task and the heads of two, of other families and numbers of labels."""
    films, topics = (stack.frame(task).content for task in (FILMS, TOPICS))
    skills = (films.skills[0], topics.skills[0])
    return replace(films, name="both", skills=skills, canaries=None, plan="", **changes)


def skill_of(stack, name):
    return next(skill for skill in stack.frame(name).skills if skill.name == name)


@pytest.fixture
def newest(answered):
    """A stack whose newest frame has two skills."""
    return part(answered, answered.frame(PLACES).content, both(answered))


@pytest.fixture
def oldest(answered):
    """A stack whose oldest frame has two skills."""
    return part(answered, both(answered), answered.frame(PLACES).content)


# two skills in one frame ------------------------------------------------------------------------------------


def test_each_skill_of_a_frame_answers_its_own_rows_under_its_own_head(newest):
    found = evaluate(newest)
    assert [(task.skill, task.frame, task.family, len(task.labels)) for task in found.tasks] == [
        (PLACES, PLACES, "sentiment", 2),
        (FILMS, "both", "sentiment", 2),
        (TOPICS, "both", "topic", 14),
    ]
    for task in found.tasks:
        asked = ask(skill_of(newest, task.skill), per_class=FEW)
        names = [task.labels[label] for label in asked.labels]
        own = newest.predict(asked.rows, frame=task.skill)
        routed = newest.predict(asked.rows)
        for mode, answers in (("task_aware", own), ("routed", routed)):
            right = [one.label_name == name for one, name in zip(answers, names, strict=True)]
            assert task.answers[mode].right.tolist() == right, (task.skill, mode)


def test_nothing_came_after_any_skill_of_the_newest_frame(newest):
    found = evaluate(newest)
    first, *rest = found.forgetting.per_task
    own, latest = (found.tasks[0].answers[mode].count.accuracy for mode in ("task_aware", "latest_adapter"))
    assert first == found.forgetting.mean == pytest.approx(own - latest)
    assert rest == [None, None]
    for task in found.tasks[1:]:
        assert np.array_equal(task.answers["task_aware"].right, task.answers["latest_adapter"].right)
    alone = evaluate(newest, only=[FILMS, TOPICS])
    assert alone.forgetting.mean is None and alone.forgetting.per_task == (None, None)


def test_something_came_after_all_skills_of_an_older_frame(oldest):
    found = evaluate(oldest)
    *earlier, last = found.forgetting.per_task
    assert last is None and len(earlier) == 2
    assert found.forgetting.mean == pytest.approx(np.mean(earlier))


def test_each_skill_of_a_frame_has_the_rival_of_its_own_rows(newest, evaluation):
    before = {task.skill: task for task in evaluation.tasks}
    for task in evaluate(newest).tasks:
        right = before[task.skill].answers["frozen_linear"].right
        assert np.array_equal(task.answers["frozen_linear"].right, right)


def test_skills_of_one_frame_are_apart_in_the_confusion_and_in_regret(newest):
    found = evaluate(newest)
    assert found.routing.skills == (PLACES, FILMS, TOPICS)
    for place, task in enumerate(found.tasks):
        assert sum(found.routing.confusion[place]) == task.n
        routes = newest.route(ask(skill_of(newest, task.skill), per_class=FEW).rows)
        at_home = sum(route.skill == task.skill for route in routes)
        assert found.routing.confusion[place][place] == at_home == task.routing.task.correct
        assert at_home == task.regret.right_skill_right_answer + task.regret.right_skill_wrong_answer


def test_the_matrix_has_a_row_for_each_frame_and_a_column_for_each_skill(newest):
    found = evaluate(newest, matrix=True)
    matrix = found.matrix
    assert (matrix.frames, matrix.families) == ((PLACES, "both"), ("sentiment", "sentiment, topic"))
    assert matrix.tasks == (PLACES, FILMS, TOPICS)
    own = [task.answers["task_aware"].count.accuracy for task in found.tasks]
    assert matrix.own_head[0][0] == own[0] and matrix.own_head[1][1:] == tuple(own[1:])
    # As it is, the frame with two skills answers each task by the skill of its labels.
    assert matrix.frame_head[1][1:] == tuple(own[1:])
    assert matrix.frame_head[0][2] is None and matrix.frame_head[1][0] is not None


def test_a_frame_of_two_families_stands_in_for_both(newest):
    found = probe(newest, "redundancy")
    matrix = evaluate(newest, matrix=True).matrix.own_head
    assert found.families == ("sentiment", "sentiment, topic")
    places, films, topics = found.tasks
    assert (places.own_head.frame, films.own_head.frame, topics.own_head) == ("both", PLACES, None)
    assert found.own_head.families == ("sentiment", "topic")
    (of_sentiment, on_topic), (of_topic, topic) = found.own_head.matrix
    # Frames of sentiment are both of them, and cells of a frame on its own tasks do not count.
    assert of_sentiment == pytest.approx((matrix[0][1] + matrix[1][0]) / 2)
    assert on_topic == pytest.approx(matrix[0][2])
    assert of_topic == pytest.approx(matrix[1][0]) and topic == matrix[1][2]
    assert found.own_head.own == (False, True)


def test_other_probes_ask_each_skill_and_walk_each_frame(newest):
    found = probe(newest, "generalization")
    assert list(found.tasks) == [PLACES, FILMS, TOPICS] and set(found.best) <= {PLACES, "both"}
    walks = probe(newest, "order").walks
    assert [walk.frames for walk in walks] == [("both", PLACES), (PLACES, "both")]
    assert all(1 <= walk.depth <= 2 for walk in walks)
    assert walks[0].router == evaluate(newest).routing.task


def test_answers_of_a_frame_with_two_skills_are_kept_as_long_as_it_is(newest):
    evaluate(newest, matrix=True)
    collect(newest.store, dry_run=False, expire_now=True)
    assert evaluate(newest, matrix=True).effort.asked == 0


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_an_answer_that_is_not_finite_names_the_frame_of_several_skills(stack):
    content = both(stack)
    adapter = content.adapter
    arrays = {name: array * np.float32(1e30) for name, array in stack.store.adapter_tensors(adapter).items()}
    folder = stack.store.root / "adapters" / adapter.folder
    config = (folder / "adapter_config.json").read_bytes()
    ref = stack.store.put_adapter("wild", config, tensors.dump(arrays, {"format": "pt"}), b"# wild\n")
    damaged = part(stack, replace(content, adapter=ref))
    with pytest.raises(MismatchError, match=r"Of the frame 'both', a logit is not finite"):
        evaluate(damaged)


def test_a_report_shows_each_skill_of_a_frame(newest, tmp_path):
    newest.report(tmp_path / "report", per_class=FEW)
    rows = (tmp_path / "report" / "tables" / "frames.csv").read_text(encoding="utf-8").splitlines()
    assert rows[1].startswith('both,"sentiment, topic","imdb_sentences, wiki_topics",16,')
    for name in ("accuracy", "confusion", "forgetting", "regret", "routing"):
        lines = (tmp_path / "report" / "tables" / f"{name}.csv").read_text(encoding="utf-8").splitlines()
        assert [line.split(",")[0] for line in lines[1:4]] == [PLACES, FILMS, TOPICS], name
    text = (tmp_path / "report" / "report.md").read_text(encoding="utf-8")
    assert "Not part of this evaluation" not in text


# two skills of one task -------------------------------------------------------------------------------------


def again(stack, task):
    """A frame that was taught the rows of a task once more, under another name."""
    content = stack.frame(task).content
    skill = replace(content.skills[0], name="again")
    return replace(content, name="again", skills=(skill,), canaries=None, plan="")


@pytest.fixture
def twice(answered):
    """A stack with two skills of one task."""
    return add(answered, again(answered, FILMS))


def test_two_skills_of_one_task_share_no_place(twice):
    found = evaluate(twice, matrix=True)
    names = [*TASKS, "again"]
    assert [task.skill for task in found.tasks] == names
    assert [task.task for task in found.tasks] == [*TASKS, FILMS]
    document = found.to_json()
    assert list(document["forgetting"]["tasks"]) == names
    confusion = document["router"]["confusion"]
    assert confusion["rows"] == confusion["columns"] == names
    for place, task in enumerate(found.tasks):
        assert sum(confusion["counts"][place]) == task.n == sum(task.routing.taken.values())
        assert confusion["counts"][place][place] == task.routing.task.correct
    assert document["matrix"]["tasks"] == names
    assert [(task["task"], task["skill"]) for task in document["tasks"]][-1] == (FILMS, "again")


def test_probes_tell_two_skills_of_one_task_apart(twice):
    found = probe(twice, "generalization")
    assert list(found.tasks) == [*TASKS, "again"] == list(found.origin.tasks)
    tasks = probe(twice, "redundancy").to_json()["by_task"]
    assert [(task["skill"], task["task"]) for task in tasks][-1] == ("again", FILMS)


def test_two_skills_of_a_task_that_cannot_be_asked_are_both_named(stack):
    unknown = again(stack, FILMS)
    skills = tuple(replace(unknown.skills[0], name=name, task="tickets") for name in ("one", "two"))
    add(stack, replace(unknown, name="pair", skills=skills))
    assert list(evaluate(stack).skipped) == ["one", "two"]


def test_a_report_tells_two_skills_of_one_task_apart(twice, tmp_path):
    done = twice.report(tmp_path / "report", per_class=FEW)
    document = json.loads((done.folder / "report.json").read_text(encoding="utf-8"))
    names = [*TASKS, "again"]
    assert list(document["report"]["losses"]) == names
    assert list(document["report"]["provenance"]["texts"]) == names
    assert "Not part of this evaluation" not in (done.folder / "report.md").read_text(encoding="utf-8")
