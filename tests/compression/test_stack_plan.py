"""A whole stack is brought to a size: every family has its part, and undo brings all of it back."""

import csv
from dataclasses import replace

import pytest

from skillstack.data.sources import load_task
from skillstack.errors import UsageError
from skillstack.store.transactions import rebuild

from .world import compress, files, plan_of, right


def ids(stack):
    return [frame.id for frame in stack.frames()]


def sizes(stack):
    return sum(frame.content.adapter.bytes for frame in stack.frames())


@pytest.fixture
def wide():
    """Whatever a random model does passes."""
    return {"margin": 0.49, "level": 0.49}


@pytest.mark.parametrize("share", [0.8, 0.4])
def test_it_fits_and_what_each_family_becomes_is_said(stack, share):
    found = plan_of(stack, None, "auto", target=share)
    plan = found.plan
    assert plan.family is None and plan.target <= share * plan.bytes
    for candidate in plan.candidates:
        assert plan.bytes_with(candidate) <= plan.target
        assert set(candidate.settings) <= {"sentiment", "topic", "intent"} and candidate.settings
        assert {part.family.name for part in candidate.parts} == set(candidate.settings)
        left = plan.bytes - sum(part.family.bytes for part in candidate.parts)
        assert plan.bytes_with(candidate) == left + candidate.bytes


def test_carried_out_it_has_the_bytes_that_were_said_answers_as_planned_and_undo_brings_it_back(stack, wide):
    before, old = ids(stack), sizes(stack)
    found = compress(stack, None, target_bytes=0.4, apply=True, **wide)
    assert found.applied, found.guarded
    candidate = found.guarded.candidate
    assert sizes(stack) == found.plan.bytes_with(candidate) <= 0.4 * old
    for change in found.guarded.guard.skills:
        assert change.after.correct == sum(right(stack, change.skill, "guard", routed=False))
    checked, canaries = stack.verify(deep=True)
    assert checked.ok and all(one.distance <= one.limit for one in canaries)
    assert stack.history().done[-1].note.startswith("compress --target-bytes 40%: ")
    stack.undo()
    assert ids(stack) == before


def test_a_number_of_bytes_is_a_number_of_bytes(stack):
    half = sizes(stack) // 2
    plan = plan_of(stack, None, "rank", target=half).plan
    assert plan.target == half and all(plan.bytes_with(one) <= half for one in plan.candidates)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (1e9, "which is no more than 1.0 GB"),
        (10, "cannot be made smaller than"),
        (0.0, "Invalid number of bytes 0.0."),
    ],
)
def test_what_is_no_target_is_refused(stack, target, message):
    with pytest.raises(UsageError, match=message):
        compress(stack, None, target_bytes=target)


def test_a_plan_of_a_stack_changes_nothing(stack):
    before = files(stack.store.root)
    assert not compress(stack, None, target_bytes=0.7, method="rank").applied
    assert files(stack.store.root) == before


def test_no_two_frames_come_to_have_one_name(stack, wide):
    contents = []
    for frame in reversed(stack.frames()):
        content = frame.content
        if frame.name == "wiki_topics":  # a frame that has the family's name, of another family
            skill = replace(content.skills[0], name="sentiment")
            content = replace(content, name="sentiment", skills=(skill,), canaries=None, plan="")
        contents.append(stack.store.put_content(content))
    rebuild(stack.store, "main", contents, transaction="n", note="n", expected=stack.store.tip("main"))
    data = {"sentiment": table_of(stack.store.root.parent / "topics.csv", "wiki_topics")}
    found = compress(stack, None, target_bytes=0.4, apply=True, tables=data, **wide)
    assert found.applied, found.guarded
    names = [frame.name for frame in stack.frames()]
    assert len(set(names)) == len(names) and "sentiment" in names


def table_of(path, task):
    """The training rows of a task as a table."""
    data = load_task(task)
    with path.open("w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file)
        lines.writerow(["text", "label"])
        lines.writerows([one.row.text, data.task.labels[one.label]] for one in data.train)
    return path
