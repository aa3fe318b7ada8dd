"""Adapters that are tried answer as they will in the stack, and what lies below them is computed once."""

from dataclasses import replace

import numpy as np
import pytest

from skillstack.compression.adapters import Adapter
from skillstack.compression.trial import Answering, Trial
from skillstack.models.split import SplitModel
from skillstack.store.rows import Row

from .world import adapter_of, model_of, skills

ROWS = tuple(Row(text) for text in ("A fine film.", "The soup was cold.", "Who sang it, and when?"))


@pytest.fixture
def loaded(stack):
    return stack.loaded(model=model_of(stack))


@pytest.fixture
def trial(loaded, tmp_path):
    return Trial(loaded, 2, tmp_path / "derived")


def test_logits_are_those_that_the_stack_answers_with(stack, loaded, trial):
    found = {}
    for name, (frame, skill) in skills(stack).items():
        answering = Answering(adapter_of(stack, frame.name), loaded.answerer(frame.content, skill).head)
        found[name] = trial.logits(ROWS, range(len(ROWS)), skill.rendering, answering)
    for name, (frame, skill) in skills(stack).items():
        answers = loaded.answer(ROWS, [frame] * 3, [skill] * 3)
        np.testing.assert_allclose(found[name], [one.logits for one in answers], atol=1e-4)


def test_some_rows_get_what_all_of_them_get(stack, loaded, trial):
    frame, skill = skills(stack)["imdb_sentences"]
    answering = Answering(adapter_of(stack, frame.name), loaded.answerer(frame.content, skill).head)
    some = trial.logits(ROWS, [2, 0], skill.rendering, answering)
    whole = trial.passages(ROWS, skill.rendering).features(answering.adapter)
    np.testing.assert_allclose(some, answering.head.logits(whole)[[2, 0]], atol=1e-4)
    np.testing.assert_array_equal(
        trial.logits(ROWS, [2, 0], skill.rendering, answering), answering.head.logits(whole)[[2, 0]]
    )


def test_what_lies_below_all_adapters_is_computed_once(stack, trial, monkeypatch):
    seen = []
    real = SplitModel.lower
    monkeypatch.setattr(
        SplitModel, "lower", lambda split, batch: seen.append(len(batch.attention_mask)) or real(split, batch)
    )
    rendering = skills(stack)["imdb_sentences"][1].rendering
    for name in ("imdb_sentences", "wiki_topics", "yelp_sentences", "imdb_sentences"):
        trial.passages(ROWS, rendering).features(adapter_of(stack, name))
    trial.passages(ROWS, replace(rendering, label_words=("bad", "good"))).features(None)
    assert seen == [len(ROWS)]


def test_an_adapter_is_asked_once_and_the_same_numbers_are_the_same_adapter(stack, trial):
    passages = trial.passages(ROWS, skills(stack)["imdb_sentences"][1].rendering)
    one, again = adapter_of(stack, "imdb_sentences"), adapter_of(stack, "imdb_sentences")
    assert not passages.knows(one)
    first = passages.features(one)
    assert passages.knows(again) and passages.features(again) is first
    stronger = Adapter(one.tensors, replace(one.spec, alpha=2 * one.spec.alpha))
    assert stronger.key != one.key and not passages.knows(stronger)


def test_the_base_alone_answers_as_without_any_adapter(stack, trial):
    passages = trial.passages(ROWS, skills(stack)["imdb_sentences"][1].rendering)
    passages.features(adapter_of(stack, "imdb_sentences"))
    bare = passages.features(None)
    zero = adapter_of(stack, "imdb_sentences")
    tensors = {name: np.zeros_like(tensor) for name, tensor in zero.tensors.items()}
    nothing = Adapter(tensors, zero.spec)
    assert nothing.is_zero and not zero.is_zero
    np.testing.assert_allclose(passages.features(nothing), bare, atol=1e-5)


def test_lower_states_of_all_rows_together_stay_within_their_bound(stack, loaded, monkeypatch, tmp_path):
    adapter, rendering = adapter_of(stack, "imdb_sentences"), skills(stack)["imdb_sentences"][1].rendering
    free = Trial(loaded, 2, tmp_path / "free")
    wanted = [free.passages([row], rendering).features(adapter) for row in ROWS]
    one = free.passages(ROWS[:1], rendering).bytes
    monkeypatch.setattr("skillstack.compression.trial.MAX_BYTES", one)
    tight = Trial(loaded, 2, tmp_path / "tight")
    for row, features in zip(ROWS, wanted, strict=True):
        np.testing.assert_allclose(tight.passages([row], rendering).features(adapter), features, atol=1e-4)
    assert sum(tight.passages([row], rendering).bytes for row in ROWS) <= one


def test_what_was_computed_once_is_read_and_no_model_is_asked(stack, loaded, trial, tmp_path, monkeypatch):
    adapter, rendering = adapter_of(stack, "imdb_sentences"), skills(stack)["imdb_sentences"][1].rendering
    wanted = trial.passages(ROWS, rendering).features(adapter)

    def no_model(*_):
        raise AssertionError("the model was asked")

    again = Trial(loaded, 2, tmp_path / "derived")
    for part in ("lower", "upper", "whole"):
        monkeypatch.setattr(SplitModel, part, no_model)
    np.testing.assert_array_equal(again.passages(ROWS, rendering).features(adapter), wanted)
    for other in ((ROWS[:2], rendering), (ROWS, replace(rendering, max_length=16))):
        with pytest.raises(AssertionError, match="the model was asked"):
            again.passages(*other).features(adapter)


def test_an_altered_file_is_not_believed(stack, loaded, trial, tmp_path):
    adapter, rendering = adapter_of(stack, "imdb_sentences"), skills(stack)["imdb_sentences"][1].rendering
    wanted = trial.passages(ROWS, rendering).features(adapter)
    (kept,) = (tmp_path / "derived").rglob("*.safetensors")
    data = bytearray(kept.read_bytes())
    data[-1] ^= 1
    kept.write_bytes(data)
    again = Trial(loaded, 2, tmp_path / "derived")
    np.testing.assert_array_equal(again.passages(ROWS, rendering).features(adapter), wanted)
