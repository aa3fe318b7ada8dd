"""Probes are found by name, and by no other way."""

from importlib import import_module

import pytest

from skillstack.errors import InputError, UsageError
from skillstack.evaluation.probes.registry import PROBES

from ..world import TASKS, add, probe, renamed


@pytest.mark.parametrize("name", ["ordre", "os", "skillstack.stack"])
def test_an_unknown_probe_is_refused_before_anything_is_read(stack, name):
    with pytest.raises(UsageError, match="no probe"):
        probe(stack, name, only=["nothing"])


def test_every_name_leads_to_a_module_with_a_probe():
    for name, module in PROBES.items():
        assert module == f"skillstack.evaluation.probes.{name}"
        assert callable(import_module(module).probe)


@pytest.mark.parametrize("name", PROBES)
def test_every_probe_asks_its_texts_once_and_says_what_it_left_out(stack, name):
    add(stack, renamed(stack.frame(TASKS[0]).content, "tickets"))
    first = probe(stack, name, per_class=2)
    assert first.origin.effort.asked > 0
    assert list(first.origin.skipped) == ["tickets"] and first.origin.tasks == TASKS
    again = probe(stack, name, per_class=2)
    assert again.origin.effort.asked == 0
    documents = [{**found.to_json(), "effort": None} for found in (first, again)]
    assert documents[0] == documents[1]


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("generalization", {"texts": 1}, "number of texts per task is 1"),
        ("generalization", {"texts": 0}, "number of texts per task is 0"),
        ("generalization", {"texts": -3}, "number of texts per task is -3"),
        ("order", {"orders": -1}, "number of random orders is -1"),
        ("order", {"depth": 0}, "depth"),
        ("redundancy", {"seed": -1}, "seed -1 is below 0"),
    ],
)
def test_numbers_that_cannot_be_meant_are_refused_before_anything_is_asked(stack, name, options, words):
    with pytest.raises(UsageError, match=words):
        probe(stack, name, **options)


@pytest.mark.parametrize("name", PROBES)
def test_a_task_without_texts_that_was_named_is_an_error(stack, name):
    add(stack, renamed(stack.frame(TASKS[0]).content, "tickets"))
    with pytest.raises(InputError, match="No rows of 'tickets' are known"):
        probe(stack, name, only=["tickets"])
