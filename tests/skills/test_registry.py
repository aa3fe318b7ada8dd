"""A name in a record leads to the kinds that are listed, and to nothing else."""

from __future__ import annotations

import sys

import pytest

from skillstack.data.task import KINDS
from skillstack.errors import IntegrityError, StoreError
from skillstack.skills import registry


@pytest.mark.parametrize("name", registry.names())
def test_each_kind_is_the_one_of_its_name(name):
    assert registry.kind_named(name, "any").name == name


def test_every_kind_that_tasks_may_have_can_be_trained():
    assert set(KINDS) <= set(registry.names())


@pytest.mark.parametrize("name", ["telepathy", "", "this:d", "skillstack.cli.group:run", "Classification"])
def test_an_unknown_kind_asks_for_an_update_and_imports_nothing(name):
    before = set(sys.modules)
    for find in (registry.kind_named, registry.check_kind):
        with pytest.raises(StoreError, match="does not know") as caught:
            find(name, "my-skill")
        assert not isinstance(caught.value, IntegrityError)
        assert "my-skill" in caught.value.message and caught.value.hint == "Update skillstack."
    with pytest.raises(StoreError, match="does not know") as caught:
        registry.state_reader("classification", name, "my-skill")
    assert caught.value.hint == "Update skillstack."
    assert set(sys.modules) == before
