"""An answer is asked once, whoever needs it, and follows from what its key says."""

import dataclasses

import numpy as np
import pytest

from skillstack.evaluation.predictions import KIND, BaselineHead, PredictionRequest, Predictions
from skillstack.models.heads import Head
from skillstack.store.derived import FOLDER, Derived, needed_by
from skillstack.store.rows import Row

from .world import TASKS, no_base, renamed

ROWS = [Row("a film without a heart"), Row("the soup was cold"), Row("what a day")]


@pytest.fixture
def ask(stack):
    """Asks with what the store knows already; counts what the model had to give."""

    def ask(*wanted, load=None):
        found = Predictions(
            stack.store.root / FOLDER,
            load or (lambda: stack.loaded()),
            "fp32",
        )
        logits = found.ask(wanted)
        return logits, found.asked

    return ask


def asked(stack, task=TASKS[0], **changes):
    content = stack.frame(task).content
    return PredictionRequest(content, content.skills[0], **changes)


def test_answers_are_those_of_the_stack(stack, ask):
    (logits,), count = ask((asked(stack), ROWS))
    assert logits.shape == (3, 2) and logits.dtype == np.float32 and count == 3
    found = stack.predict(ROWS, frame=TASKS[0])
    assert logits.argmax(axis=1).tolist() == [one.label for one in found]


def test_what_is_known_is_not_asked(stack, ask):
    (first,), _ = ask((asked(stack), ROWS[:2]))
    (again, more), count = ask((asked(stack), ROWS[:2]), (asked(stack), ROWS))
    assert count == 1
    assert np.array_equal(again, first) and np.array_equal(more[:2], first)
    (known,), count = ask((asked(stack), ROWS[::-1]), load=no_base)
    assert count == 0 and np.array_equal(known[::-1], more)


def test_a_row_that_comes_twice_is_asked_once(stack, ask):
    (logits, same), count = ask((asked(stack), [ROWS[0], ROWS[1], ROWS[0]]), (asked(stack), ROWS[:1]))
    assert count == 2
    assert np.array_equal(logits[0], logits[2]) and np.array_equal(logits[:1], same)


def test_no_rows_have_no_answers_and_need_no_base(stack, ask):
    (logits,), count = ask((asked(stack, "wiki_topics"), []), load=no_base)
    assert logits.shape == (0, 14) and count == 0


def test_a_renamed_frame_answers_from_what_is_known(stack, ask):
    ask((asked(stack), ROWS))
    content = renamed(stack.frame(TASKS[0]).content, "another")
    _, count = ask((PredictionRequest(content, content.skills[0]), ROWS), load=no_base)
    assert count == 0


def test_another_adapter_and_another_head_give_answers_of_their_own(stack, ask):
    tip = stack.frames()[0].content
    (own, other), count = ask((asked(stack), ROWS), (asked(stack, adapter=tip), ROWS))
    assert count == 6 and not np.allclose(own, other)
    head = Head(np.ones((2, 32), dtype=np.float32), np.array([0, 1], dtype=np.float32))
    baselines = [BaselineHead(letter * 64, lambda: head) for letter in "ab"]
    (one, two), count = ask(*((asked(stack, baseline=baseline), ROWS) for baseline in baselines))
    assert count == 6 and np.array_equal(one, two)


def test_a_rivals_head_is_made_only_where_an_answer_is_missing(stack, ask):
    head = Head(np.ones((2, 32), dtype=np.float32), np.zeros(2, dtype=np.float32))
    ask((asked(stack, baseline=BaselineHead("a" * 64, lambda: head)), ROWS))
    _, count = ask((asked(stack, baseline=BaselineHead("a" * 64, no_base)), ROWS), load=no_base)
    assert count == 0


def test_the_newest_frames_adapter_on_its_own_skill_is_the_frame_itself(stack, ask):
    tip = stack.frames()[0].content
    own = PredictionRequest(tip, tip.skills[0])
    assert PredictionRequest(tip, tip.skills[0], adapter=tip).behaviour("fp32") == own.behaviour("fp32")
    assert own.behaviour("fp32") != own.behaviour("bf16")


def test_answers_of_another_shape_under_the_key_are_asked_again(stack, ask):
    (first,), _ = ask((asked(stack), ROWS))
    key = asked(stack).behaviour("fp32")
    files = Derived(stack.store.root / FOLDER, KIND)
    kept = files.read(key)
    files.write(key, {**kept, "logits": np.zeros((3, 5), dtype=np.float32)})
    (again,), count = ask((asked(stack), ROWS))
    assert count == 3 and np.array_equal(again, first)


def test_a_file_names_the_frames_that_it_serves(stack, ask):
    content, tip = stack.frame(TASKS[0]).content, stack.frames()[0].content
    ask((asked(stack), ROWS), (asked(stack, adapter=tip), ROWS))
    files = Derived(stack.store.root / FOLDER, KIND)
    own, newest = content.behaviour(content.skills[0]), tip.behaviour(tip.skills[0])
    assert needed_by(files.read(own)) == {own}
    together = dataclasses.replace(content, adapter=tip.adapter).behaviour(content.skills[0])
    assert needed_by(files.read(together)) == {own, newest}
