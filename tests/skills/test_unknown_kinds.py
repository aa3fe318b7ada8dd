"""A frame whose kind a newer version knows: it is listed and carried; whoever asks it is told to update."""

from __future__ import annotations

import dataclasses

import pytest

from skillstack.errors import IntegrityError, StoreError
from skillstack.evaluation.questions import ask
from skillstack.stack import Stack
from skillstack.store import transactions
from skillstack.store.records import GenerationPrompt, Skill
from skillstack.store.verify import verify

from ..cli.conftest import Shell
from .conftest import TASKS

PROMPT = GenerationPrompt("plain", None, "{answer}", (), ("\n",), 8)
SKILLS = {
    "telepathy": {"kind": "telepathy", "head": None},
    "generation": {"kind": "generation", "head": None, "labels": (), "prompt": PROMPT},
}


@pytest.fixture(params=SKILLS)
def newer(request: pytest.FixtureRequest, stack: Stack) -> Stack:
    """The stack with one more frame."""
    oldest = stack.frames()[-1].content
    fields = {"name": "newer", "task": "newer", **SKILLS[request.param]}
    skill: Skill = dataclasses.replace(oldest.skills[0], **fields)
    content = dataclasses.replace(oldest, name="newer", skills=(skill,), canaries=None, init_from=None)
    tip = stack.frames()[0].id
    transactions.push(stack.store, stack.name, content, transaction="n", note="newer", expected=tip)
    return Stack.open(stack.store.root, stack.name, model=stack.model, device="cpu")


def test_the_stack_is_listed_and_whole(newer):
    frames = newer.frames()
    assert [frame.name for frame in frames] == ["newer", *TASKS[::-1]]
    assert frames[0].to_json()["skills"][0]["name"] == "newer"
    assert verify(newer.store).ok


def test_to_ask_it_says_to_update(newer):
    kind = newer.frames()[0].skills[0].kind
    with pytest.raises(StoreError, match=f"'newer' is of the kind '{kind}'") as caught:
        newer.predict("A fine film.", frame="newer")
    assert not isinstance(caught.value, IntegrityError)
    assert caught.value.hint == "Update skillstack."
    with pytest.raises(StoreError, match="Update"):
        ask(newer.frames()[0].skills[0])


def test_its_neighbours_answer_as_before(newer):
    found = newer.predict("A fine film.", frame=TASKS[0])
    assert found.label_name in newer.frames()[-1].skills[0].labels


def test_it_can_be_undone(newer):
    newer.undo()
    assert [frame.name for frame in newer.frames()] == list(TASKS[::-1])


def test_the_command_line_lists_and_shows_it_and_says_to_update(newer, tmp_path):
    shell = Shell(tmp_path)
    where = ("--store", str(newer.store.root), "--stack", newer.name)
    listed = shell("log", "--json", *where)
    assert listed.status == 0 and listed.json["frames"][0]["name"] == "newer"
    shown = shell("show", "newer", *where)
    kind = newer.frames()[0].skills[0].kind
    assert shown.status == 0 and ["kind", kind] in [line.split() for line in shown.out.splitlines()]
    asked = shell("predict", "A fine film.", "--frame", "newer", "--model", str(newer.model), *where)
    assert asked.status == 3 and "Update skillstack." in asked.err and "Traceback" not in asked.err
