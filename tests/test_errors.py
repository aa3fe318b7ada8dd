"""Errors say what is wrong and what to do, and carry the exit status that the command line documents."""

from __future__ import annotations

import inspect

import pytest

from skillstack import errors

KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, Exception)]


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_holds_its_message_and_hint(kind):
    error = kind("It is so.", "Do that.")
    assert (error.message, error.hint, str(error)) == ("It is so.", "Do that.", "It is so. Do that.")
    assert str(kind("It is so.")) == "It is so."
    assert isinstance(error, errors.SkillStackError)


def test_a_usage_error_ends_with_2_and_every_other_with_3():
    assert {kind.__name__: kind.exit_status for kind in KINDS if kind.exit_status != 3} == {"UsageError": 2}


def test_damage_and_locks_are_errors_of_the_store():
    assert issubclass(errors.IntegrityError, errors.StoreError)
    assert issubclass(errors.BusyError, errors.StoreError)


def test_a_close_name_is_suggested():
    assert errors.did_you_mean("bankng", ["banking", "travel"]) == "Did you mean 'banking'?"
    assert errors.did_you_mean("hard", ["hard8", "hard5", "x"]) == "Did you mean 'hard8' or 'hard5'?"


def test_without_a_close_name_the_known_ones_are_listed():
    assert errors.did_you_mean("zzz", ["b", "a"]) == "Known: a, b."
    assert errors.did_you_mean("zzz", []) == "There are none yet."
    assert errors.did_you_mean("zzz", [f"name{i:03d}" for i in range(50)]).endswith("name039, ...")
