"""Classification by a head or by a state in its place: the same in answers, scores and canaries."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from skillstack.errors import IntegrityError, MismatchError, StoreError
from skillstack.models import canaries
from skillstack.models.answering import Answering
from skillstack.models.heads import Head
from skillstack.skills import registry
from skillstack.skills.classification import KIND, LabelAnswer, labelled
from skillstack.stack import Stack
from skillstack.store import transactions
from skillstack.store.records import FrameRecord, Skill
from skillstack.store.rows import Row
from skillstack.store.states import State, put_state
from skillstack.store.verify import verify

from .conftest import TASKS

ROWS = [Row("A wonderful film."), Row("Which gate does my flight leave from?"), Row("The soup was cold.")]


def read_linear(state: State, content: FrameRecord, skill: Skill) -> Head:
    """A state that holds a linear map, as a closed form would."""
    assert state.values == {"of": "a test"}
    return Head.from_tensors(
        state.tensors["state"], hidden_size=content.base.hidden_size, labels=len(skill.labels)
    )


@pytest.fixture
def stateful(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Stack:
    """The stack with one more frame, whose state gives what the head of the oldest frame gives."""
    monkeypatch.setitem(registry._STATES, ("classification", "linear"), f"{__name__}:read_linear")
    store, oldest = stack.store, stack.frames()[-1].content
    skill = oldest.skills[0]
    state = put_state(store, State("linear", {"of": "a test"}, {"state": store.head(skill.head_digest)}))
    new = dataclasses.replace(skill, name="twin", task="twin", head=None, state=state)
    content = dataclasses.replace(oldest, name="twin", skills=(new,), canaries=None, init_from=None)
    with stack.loaded().alone() as slot:
        answerer = KIND.answerer(store, content, new)
        part = KIND.canary(Answering(slot), answerer, pair=False)
    content = dataclasses.replace(content, canaries=store.put_canaries(canaries.record({"twin": part})))
    transactions.push(
        store, stack.name, content, transaction="twin", note="twin", expected=stack.frames()[0].id
    )
    return Stack.open(store.root, stack.name, model=stack.model, device="cpu")


def test_a_state_answers_as_the_head_that_it_stands_for(stateful):
    one = stateful.predict(ROWS, frame=TASKS[0])
    two = stateful.predict(ROWS, frame="twin")
    assert [found.probabilities for found in one] == [found.probabilities for found in two]
    assert [found.label_name for found in one] == [found.label_name for found in two]


def test_its_canaries_prove_it(stateful):
    loaded = stateful.loaded()
    checks = loaded.check_canaries(stateful.frames())
    assert [check.skill for check in checks] == ["twin", *TASKS[::-1]]
    assert all(check.ok for check in checks)
    frame = stateful.frames()[0]
    forged = dataclasses.replace(frame, content=dataclasses.replace(frame.content, adapter=None))
    (check,) = loaded.check_canaries([forged])
    assert not check.ok and check.effect > 0


def test_the_store_is_whole_and_its_json_as_ever(stateful):
    assert verify(stateful.store).ok
    newest, _, oldest = (frame.to_json() for frame in stateful.frames())
    assert newest.keys() == oldest.keys() and newest["skills"][0].keys() == oldest["skills"][0].keys()


def test_a_state_of_another_type_asks_for_an_update(stateful, monkeypatch):
    monkeypatch.setattr(registry, "_STATES", {})
    with pytest.raises(StoreError, match="'twin' has a state of the type 'linear'") as caught:
        Stack.open(stateful.store.root, stateful.name, model=stateful.model).predict(ROWS, frame="twin")
    assert caught.value.hint == "Update skillstack."


def test_kept_answers_are_those_that_were_given(stack):
    skill = stack.frames()[0].skills[0]
    logits = np.random.default_rng(0).normal(size=(4, len(skill.labels))).astype(np.float32)
    packed = KIND.pack([LabelAnswer(row) for row in logits])
    found = KIND.unpack(packed, 4, skill)
    assert np.array_equal(KIND.collected(found, skill), logits)
    assert KIND.unpack(packed, 3, skill) is None and KIND.unpack({}, 4, skill) is None
    assert KIND.unpack(packed, 4, dataclasses.replace(skill, labels=("a", "b"))) is None
    assert KIND.collected([], skill).shape == (0, len(skill.labels))


def test_an_answer_is_right_or_wrong():
    logits = np.array([[0, 1], [2, 1], [0, 3]], dtype=np.float32)
    assert KIND.scores(logits, [1, 1, 1]).tolist() == [1, 0, 1]
    assert KIND.scores(logits[:0], []).tolist() == []


@pytest.mark.parametrize("stored", [None, [], {}, {"plain": [["1"]]}, {"plain": [["1"]], "adapted": [["x"]]}])
def test_damaged_canaries_are_refused(stack, stored):
    content = stack.frames()[0].content
    with stack.loaded().alone() as slot, pytest.raises(IntegrityError, match="damaged"):
        answerer = KIND.answerer(stack.store, content, content.skills[0])
        KIND.compare(Answering(slot), answerer, stored, pair=False, trained="fp32")


def test_an_answer_without_labels_is_no_label():
    class Text:
        truncated = False

    with pytest.raises(MismatchError, match="without labels"):
        labelled(Text())
