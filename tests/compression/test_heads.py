"""Heads over an adapter that is not the one they were trained on."""

from dataclasses import replace

import numpy as np
import pytest

from skillstack.compression.heads import Seen, given, heads_of
from skillstack.models.heads import Head


@pytest.fixture
def skill(stack):
    return stack.frame("imdb_sentences").skills[0]


def seen(skill, name, labels, seed, rows=60, width=8):
    """Rows whose label stands in their features, whatever number it has."""
    rng = np.random.default_rng(seed)
    one = replace(skill, name=name, labels=labels)
    ordered = sorted(labels)
    places = rng.permutation(np.arange(rows) % len(labels))
    numbers = np.array([ordered.index(labels[place]) for place in places])
    features = rng.normal(size=(rows, width)).astype(np.float32)
    features[np.arange(rows), numbers] += 4
    head = Head(
        rng.normal(size=(len(labels), width)).astype(np.float32),
        rng.normal(size=len(labels)).astype(np.float32),
    )
    half = rows // 2
    return Seen(one, head, features[:half], places[:half], features[half:], places[half:])


def accuracy(one, found):
    return (found[one.skill.name].logits(one.dev).argmax(axis=1) == one.dev_labels).mean()


@pytest.fixture
def three(skill):
    """Two skills of the same labels in another order, and one of others."""
    return [
        seen(skill, "films", ("bad", "good"), 1),
        seen(skill, "food", ("good", "bad"), 2),
        seen(skill, "topics", ("art", "law", "war"), 3),
    ]


def test_own_heads_stay_as_they_are(three):
    found = heads_of("own", three, standardise=False)
    assert all(found[one.skill.name] is one.head for one in three)


def test_a_shared_head_is_the_mean_by_the_names_of_the_labels(three):
    films, food, topics = three
    found = heads_of("shared", three, standardise=False)
    # In the order bad, good; a constant for all labels is taken off first, as it changes no answer.
    weights = [films.head.weight, food.head.weight[::-1]]
    biases = [films.head.bias, food.head.bias[::-1]]
    weight = np.mean([one - one.mean(axis=0) for one in weights], axis=0)
    bias = np.mean([one - one.mean() for one in biases], axis=0)
    np.testing.assert_allclose(found["films"].weight, weight, atol=1e-6)
    np.testing.assert_allclose(found["films"].bias, bias, atol=1e-6)
    np.testing.assert_array_equal(found["food"].weight, found["films"].weight[::-1])
    np.testing.assert_array_equal(found["food"].bias, found["films"].bias[::-1])
    answers = found["topics"].logits(topics.dev).argmax(axis=1)
    np.testing.assert_array_equal(answers, topics.head.logits(topics.dev).argmax(axis=1))


def test_one_head_for_a_group_answers_with_the_same_names(three):
    films, food, _ = three
    for way in ("shared", "refit-shared"):
        found = heads_of(way, three, standardise=False)
        mine = found["films"].logits(films.dev).argmax(axis=1)
        theirs = found["food"].logits(films.dev).argmax(axis=1)
        assert [films.skill.labels[i] for i in mine] == [food.skill.labels[i] for i in theirs]


@pytest.mark.parametrize("way", ["refit", "refit-shared"])
@pytest.mark.parametrize("standardise", [False, True])
def test_heads_that_are_fitted_anew_are_far_better_than_chance(three, way, standardise):
    found = heads_of(way, three, standardise=standardise)
    assert all(accuracy(one, found) > 0.9 for one in three)


def test_where_no_labels_are_the_same_there_is_nothing_to_share(three):
    assert heads_of("shared", three[1:], standardise=False) is None
    assert heads_of("refit-shared", three[1:], standardise=False) is None
    assert heads_of("refit", three[1:], standardise=False) is not None


def test_a_label_without_rows_to_fit_on_is_not_guessed(three):
    films, food, _topics = three
    some = films.fit_labels == 0
    one = replace(films, fit=films.fit[some], fit_labels=films.fit_labels[some])
    assert heads_of("refit", [one, food], standardise=False) is None
    assert accuracy(one, heads_of("refit-shared", [one, food], standardise=False)) > 0.9


def test_a_head_without_a_bias_can_be_shared(three):
    films, food, _ = three
    bare = [replace(one, head=Head(one.head.weight, None)) for one in (films, food)]
    assert heads_of("shared", bare, standardise=False)["films"].bias is None
    assert heads_of("shared", [bare[0], food], standardise=False)["films"].bias is not None


def test_one_skills_head_can_be_given_to_those_of_the_same_labels(three):
    films, _food, topics = three
    found = given(three, "films")
    np.testing.assert_array_equal(found["food"].weight, films.head.weight[::-1])
    np.testing.assert_array_equal(found["food"].bias, films.head.bias[::-1])
    assert found["topics"] is topics.head


def test_there_is_no_other_way(three):
    with pytest.raises(ValueError, match="guess"):
        heads_of("guess", three, standardise=False)
