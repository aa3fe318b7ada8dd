"""What is offered where a stack has no frames."""

from __future__ import annotations

from skillstack.cli.emptiness import commands_back, empty_hint
from skillstack.store import stacks, transactions


def test_what_was_deleted_comes_back_by_undo_and_what_was_undone_by_redo(made, monkeypatch):
    monkeypatch.delenv("SKILLSTACK_STACK", raising=False)
    stacks.delete(made.store, "mine")
    assert empty_hint(made.store, "mine") == "`skillstack undo` brings back what was taken away."
    for _ in range(3):
        transactions.undo(made.store, "mine")
    assert empty_hint(made.store, "mine") == "`skillstack redo` brings back what was undone."


def test_a_stack_that_is_not_the_current_one_is_named(made, monkeypatch):
    monkeypatch.delenv("SKILLSTACK_STACK", raising=False)
    stacks.rename(made.store, "mine", "tickets", router={})
    ((command, _),) = commands_back(made.store, "mine")
    assert command == "skillstack undo --stack mine"


def test_a_stack_that_never_had_frames_has_no_way_back(made):
    assert commands_back(made.store, "never") == ()
    assert "skillstack train" in empty_hint(made.store, "never")
