"""Heads are linear, fit in closed form, travel through files whole, and never of the wrong shape."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from skillstack.errors import InputError, MismatchError
from skillstack.models.encoding import encode
from skillstack.models.features import features_of
from skillstack.models.heads import Head, fit_logistic, label_word_head
from skillstack.models.split import SplitModel
from skillstack.store import tensors
from skillstack.store.records import Rendering

from .tiny import ROWS


def clouds(classes: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Overlapping clouds of points, each feature on its own scale."""
    chance = np.random.default_rng(seed)
    labels = np.repeat(np.arange(classes), 30)
    points = chance.normal(0, 1, (len(labels), 8)) + chance.normal(0, 1, (classes, 8))[labels]
    return (points * np.array([1, 1, 1, 1, 10, 0.1, 1, 1]) + 3).astype(np.float32), labels


def softmax(logits: np.ndarray) -> np.ndarray:
    odds = np.exp(logits - logits.max(1, keepdims=True))
    return odds / odds.sum(1, keepdims=True)


@pytest.mark.parametrize("classes", [2, 3, 5])
@pytest.mark.parametrize("standardise", [False, True])
def test_the_logistic_head_says_what_scikit_learn_says(classes, standardise):
    points, labels = clouds(classes)
    head = fit_logistic(points, labels, classes, C=0.5, standardise=standardise)
    rows = points.astype(np.float64)
    seen = StandardScaler().fit_transform(rows) if standardise else rows
    expected = LogisticRegression(C=0.5, max_iter=2000).fit(seen, labels).predict_proba(seen)
    assert np.allclose(softmax(head.logits(points)), expected, atol=2e-3)
    assert head.labels == classes


def test_it_is_the_same_each_time():
    points, labels = clouds(3)
    one, two = fit_logistic(points, labels, 3), fit_logistic(points, labels, 3)
    assert np.array_equal(one.weight, two.weight)
    assert np.array_equal(one.bias, two.bias)


def test_a_feature_that_never_varies_does_no_harm():
    points, labels = clouds(2)
    points[:, 3] = 7.0
    assert np.isfinite(fit_logistic(points, labels, 2, standardise=True).weight).all()


def test_a_class_without_rows_is_refused():
    points, labels = clouds(2)
    with pytest.raises(InputError, match="3 classes"):
        fit_logistic(points, labels, 3)


@pytest.mark.parametrize("bias", [None, np.array([1.0, -1.0], dtype=np.float32)])
def test_a_head_survives_its_file_and_training(bias):
    head = Head(np.arange(8, dtype=np.float32).reshape(2, 4), bias)
    data = tensors.dump(head.tensors())
    again = Head.from_tensors(tensors.load(data), hidden_size=4, labels=2)
    trained = Head.from_module(again.module())
    points = np.ones((3, 4), dtype=np.float32)
    assert np.array_equal(trained.logits(points), head.logits(points))
    assert tensors.dump(trained.tensors()) == data
    assert np.allclose(head.module()(torch.from_numpy(points)).detach().numpy(), head.logits(points))


@pytest.mark.parametrize(
    "found",
    [
        {},
        {"weight": np.zeros((3, 4), np.float32)},
        {"weight": np.zeros((2, 5), np.float32)},
        {"weight": np.zeros((2, 4), np.float64)},
        {"weight": np.zeros((2, 4), np.float32), "bias": np.zeros(3, np.float32)},
        {"weight": np.zeros((2, 4), np.float32), "scale": np.zeros(2, np.float32)},
        {"bias": np.zeros(2, np.float32)},
    ],
)
def test_a_head_that_is_missing_or_of_another_shape_is_an_error(found):
    with pytest.raises(MismatchError):
        Head.from_tensors(found, hidden_size=4, labels=2)


def test_features_of_another_base_are_refused():
    with pytest.raises(MismatchError, match="width 4"):
        Head(np.zeros((2, 4), np.float32)).logits(np.zeros((1, 5), np.float32))


def test_label_words_give_the_language_models_own_logits(tiny_llama):
    words = ["positive", "negative"]
    ids = [tiny_llama.tokenizer(f" {word}")["input_ids"][0] for word in words]
    if len(set(ids)) < 2:
        pytest.skip("the small tokenizer knows neither word")
    encoded = encode(
        tiny_llama, ROWS[:1], Rendering(prompt="Review: {text}\nThe sentiment of this review is")
    )
    head = label_word_head(tiny_llama, words)
    assert head.bias is None
    found = head.logits(features_of(SplitModel(tiny_llama, 2), encoded))
    expected = tiny_llama.whole(**encoded.batch([0]).inputs()).logits[0, -1, ids]
    assert np.allclose(found[0], expected.detach().numpy(), atol=1e-5)


def test_label_words_that_begin_alike_are_refused(tiny_llama):
    with pytest.raises(MismatchError, match="same token"):
        label_word_head(tiny_llama, ["positive", "positive"])


def test_an_encoder_has_no_label_words(minilm):
    with pytest.raises(MismatchError, match="language-model head"):
        label_word_head(minilm, ["positive", "negative"])
