"""Adapters that are tried answer as they will in the stack, and what lies below them is computed once."""

from dataclasses import replace

import numpy as np
import pytest

from skillstack.compression.deltas import Adapter
from skillstack.compression.trial import Trial
from skillstack.models.split import SplitModel
from skillstack.store.rows import Row

from .world import adapter_of, skills

ROWS = tuple(Row(text) for text in ("A fine film.", "The soup was cold.", "Who sang it, and when?"))


@pytest.fixture
def loaded(stack):
    return stack.loaded()


@pytest.fixture
def trial(loaded, tmp_path):
    return Trial(loaded, 2, tmp_path / "derived")


def rendering_of(stack):
    return skills(stack)["imdb_sentences"][1].rendering


def test_features_give_the_logits_that_the_stack_answers_with(stack, loaded, trial):
    found = {}
    for name, (frame, skill) in skills(stack).items():
        features = trial.features(ROWS, skill.rendering, adapter_of(stack, frame.name))
        found[name] = loaded.answerer(frame.content, skill).head.logits(features)
    for name, (frame, skill) in skills(stack).items():
        answers = loaded.answer(ROWS, [frame] * 3, [skill] * 3)
        np.testing.assert_allclose(found[name], [one.logits for one in answers], atol=1e-4)


def test_what_was_computed_for_some_rows_is_taken_for_more_and_for_fewer(stack, trial, monkeypatch):
    computed = []
    real = Trial._computed
    monkeypatch.setattr(
        Trial, "_computed", lambda trial, rows, *rest: computed.append(rows) or real(trial, rows, *rest)
    )
    adapter, rendering = adapter_of(stack, "imdb_sentences"), rendering_of(stack)
    some = trial.features(ROWS[:2], rendering, adapter)
    whole = trial.features(ROWS, rendering, adapter)
    np.testing.assert_array_equal(whole[:2], some)
    np.testing.assert_array_equal(trial.features([ROWS[2], ROWS[0]], rendering, adapter), whole[[2, 0]])
    assert [tuple(rows) for rows in computed] == [ROWS[:2], ROWS[2:]]


def test_what_lies_below_all_adapters_is_computed_once_for_each_row(stack, trial, monkeypatch):
    seen = []
    real = SplitModel.lower
    monkeypatch.setattr(
        SplitModel, "lower", lambda split, batch: seen.append(len(batch.attention_mask)) or real(split, batch)
    )
    rendering = rendering_of(stack)
    trial.features(ROWS[:1], rendering, adapter_of(stack, "home"))
    for name in ("imdb_sentences", "wiki_topics", "yelp_sentences", "imdb_sentences"):
        trial.features(ROWS, rendering, adapter_of(stack, name))
    trial.features(ROWS, replace(rendering, label_words=("bad", "good")), None)
    assert seen == [1, 2]


def test_the_same_numbers_are_the_same_adapter_and_another_scaling_is_another(stack, trial):
    one, again = adapter_of(stack, "imdb_sentences"), adapter_of(stack, "imdb_sentences")
    first = trial.features(ROWS, rendering_of(stack), one)
    np.testing.assert_array_equal(trial.features(ROWS, rendering_of(stack), again), first)
    stronger = Adapter(one.tensors, replace(one.spec, alpha=2 * one.spec.alpha))
    assert one.key == again.key != stronger.key
    assert not np.array_equal(trial.features(ROWS, rendering_of(stack), stronger), first)


def test_the_base_alone_answers_as_without_any_adapter(stack, trial):
    rendering = rendering_of(stack)
    trial.features(ROWS, rendering, adapter_of(stack, "imdb_sentences"))
    bare = trial.features(ROWS, rendering, None)
    zero = adapter_of(stack, "imdb_sentences")
    tensors = {name: np.zeros_like(tensor) for name, tensor in zero.tensors.items()}
    nothing = Adapter(tensors, zero.spec)
    assert nothing.is_zero and not zero.is_zero
    np.testing.assert_allclose(trial.features(ROWS, rendering, nothing), bare, atol=1e-5)


def test_lower_states_of_all_rows_together_stay_within_their_bound(stack, loaded, monkeypatch, tmp_path):
    adapter, rendering = adapter_of(stack, "imdb_sentences"), rendering_of(stack)
    free = Trial(loaded, 2, tmp_path / "free")
    wanted = [free.features([row], rendering, adapter) for row in ROWS]
    one = Trial(loaded, 2, tmp_path / "one").lower(ROWS[:1], rendering)
    size = one.states([0])[0].nbytes
    monkeypatch.setattr("skillstack.compression.trial.MAX_BYTES", size)
    tight = Trial(loaded, 2, tmp_path / "tight")
    for row, features in zip(ROWS, wanted, strict=True):
        np.testing.assert_allclose(tight.features([row], rendering, adapter), features, atol=1e-4)
    assert sum(tight.lower([row], rendering).rows for row in ROWS) == 1


def test_what_was_computed_once_is_read_and_no_model_is_asked(stack, loaded, trial, tmp_path, monkeypatch):
    adapter, rendering = adapter_of(stack, "imdb_sentences"), rendering_of(stack)
    wanted = trial.features(ROWS, rendering, adapter)

    def no_model(*_):
        raise AssertionError("the model was asked")

    again = Trial(loaded, 2, tmp_path / "derived")
    for part in ("lower", "upper", "whole"):
        monkeypatch.setattr(SplitModel, part, no_model)
    np.testing.assert_array_equal(again.features(ROWS, rendering, adapter), wanted)
    with pytest.raises(AssertionError, match="the model was asked"):
        again.features(ROWS, replace(rendering, max_length=16), adapter)


def test_an_altered_file_is_not_believed(stack, loaded, trial, tmp_path):
    adapter, rendering = adapter_of(stack, "imdb_sentences"), rendering_of(stack)
    wanted = trial.features(ROWS, rendering, adapter)
    (kept,) = (tmp_path / "derived").rglob("*.safetensors")
    data = bytearray(kept.read_bytes())
    data[-1] ^= 1
    kept.write_bytes(data)
    again = Trial(loaded, 2, tmp_path / "derived")
    np.testing.assert_array_equal(again.features(ROWS, rendering, adapter), wanted)
