"""Every method learns, forgets or not as it should, and says what it costs."""

import re
from pathlib import Path

import numpy as np
import pytest

from skillstack.continual import registry
from skillstack.continual.method import Method
from skillstack.continual.methods.sequential import Sequential
from skillstack.continual.tasks import SequenceTask

KEEPS = ("skillstack", "independent", "frozen-linear")
ALL = registry.names()


@pytest.fixture
def small_room(make_room):
    """A room with few rows."""
    return make_room(samples_per_class=3)


def accuracy(learner, task) -> float:
    answers = learner.logits(task.number, task.train).argmax(axis=1)
    return float((answers == np.array(task.train.labels)).mean())


@pytest.mark.parametrize("name", ALL)
def test_learns_two_tasks_better_than_chance(make_room, name):
    """Each is asked as soon as it can be answered; what becomes of it later is another matter."""
    room = make_room(tasks=("wiki_topics", "banking"), samples_per_class=4, epochs=4, learning_rate=5e-3)
    learner = room.learner(name, learn=0)
    for task in room.order():
        learner.learn(task)
        if not registry.method(name).late:
            assert accuracy(learner, task) > 1.5 / task.labels
    assert accuracy(learner, task) > 1.5 / task.labels


@pytest.mark.parametrize("name", ALL)
def test_gives_a_logit_for_each_row_and_label_of_the_task(small_room, name):
    learner = small_room.learner(name)
    for task in small_room.order():
        whole = learner.logits(task.number, task.dev)
        assert whole.shape == (len(task.dev.labels), task.labels)
        np.testing.assert_allclose(
            learner.logits(task.number, task.dev, [3, 1]), whole[[3, 1]], rtol=1e-3, atol=1e-3
        )


@pytest.mark.parametrize("name", [name for name in ALL if name != "joint"])
def test_an_equal_version_means_equal_answers(room, name):
    first, second = room.order()
    learner = room.learner(name, learn=1)
    before, version = learner.logits(0, first.dev), learner.version(0)
    learner.learn(second)
    same = np.array_equal(before, learner.logits(0, first.dev))
    assert same == (name in KEEPS)
    assert (learner.version(0) == version) == (name in KEEPS)


@pytest.mark.parametrize("name", ALL)
def test_what_it_costs_is_counted(small_room, name):
    cost = small_room.learner(name).cost
    heads = sum(task.labels for task in small_room.order()) * (32 + 1)
    # Frames of which dev prefers the frozen-linear head keep no adapter.
    adapters = {"skillstack": None, "independent": None, "olora": 2, "frozen-linear": 0, "exact-ridge": None}
    small_room.slot.start_fresh(small_room.sequence.spec, 0)
    one = sum(tensor.size for tensor in small_room.slot.read_out().values())
    copies = adapters.get(name, 1)
    if copies is not None:
        assert cost.parameters == heads + copies * one
    assert cost.bytes >= 4 * heads
    steps = sum(small_room.recipe.steps(len(task.train.labels)) for task in small_room.order())
    assert cost.steps == (0 if name in ("frozen-linear", "exact-ridge") else steps)
    assert (cost.texts > 0) == (name in ("skillstack", "replay", "joint"))


@pytest.mark.parametrize("name", ["independent", "sequential", "joint"])
def test_the_same_training_gives_the_same_answers(room, name):
    task = room.order()[1]
    once, again = (room.learner(name).logits(1, task.dev) for _ in range(2))
    np.testing.assert_array_equal(once, again)


def test_decoders_learn_as_well(decoder, tmp_path):
    from .conftest import Room

    room = Room(decoder, tmp_path, max_length=48)
    for name in ("independent", "exact-ridge"):
        learner = room.learner(name)
        assert all(np.isfinite(learner.logits(one.number, one.dev)).all() for one in room.order())


def test_the_example_of_the_docs_is_a_method(room):
    page = (Path(__file__).resolve().parents[3] / "docs" / "methods.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```text\n(class .*?)```", page, flags=re.DOTALL)
    names = {"Sequential": Sequential, "SequenceTask": SequenceTask, "Method": Method}
    exec(code, names)
    method = names["METHOD"]
    learner = method.make(room.context("sequential", **method.defaults))
    for task in room.order():
        learner.learn(task)
        assert learner.logits(task.number, task.dev).shape[1] == task.labels
