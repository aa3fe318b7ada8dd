"""`skillstack` alone."""

from __future__ import annotations

import subprocess
import sys

from skillstack.cli.welcome import commands_back, empty_hint
from skillstack.store import stacks, transactions

from .conftest import ROOT

HEAVY = ("torch", "transformers", "sklearn", "scipy", "rich", "datasets")


def test_without_a_store_the_packaged_stack_and_the_first_steps_are_shown(command, tmp_path):
    ran = command()
    assert ran.status == 0
    assert "Stack reference" in ran.out
    assert "comes with the package" in ran.out
    assert "skillstack train --preset starter8" in ran.out
    assert not list(tmp_path.iterdir())


def test_the_current_stack_is_shown_with_what_can_be_done_with_it(command, made):
    ran = command()
    assert ran.status == 0
    assert "Stack mine" in ran.out
    assert "3 frames, the newest is trips" in ran.out
    assert "intent, topic" in ran.out
    assert "skillstack log" in ran.out
    assert max(len(line) for line in ran.out.splitlines() if str(made.store.root) not in line) <= 80


def test_an_empty_stack_offers_what_was_undone(command, made):
    for _ in range(2):
        assert command("undo").status == 0
    ran = command()
    assert "has no frames" in ran.out
    assert "skillstack redo" in ran.out


def test_a_deleted_stack_is_offered_by_undo_and_what_is_offered_brings_it_back(command, made):
    assert command("stacks", "delete", "mine").status == 0
    ran = command()
    assert "has no frames" in ran.out
    assert "skillstack undo" in ran.out and "redo" not in ran.out
    for arguments in (("show",), ("log",)):
        ran = command(*arguments)
        assert "`skillstack undo` brings back" in ran.out + ran.err
    assert command("undo").status == 0
    assert "3 frames" in command().out


def test_an_emptied_stack_that_is_not_the_current_one_is_named_in_the_offer(command, made):
    command("stacks", "copy", "mine", "twin")
    command("undo", "--stack", "twin")
    for arguments in (("show",), ("log",)):
        ran = command(*arguments, "--stack", "twin")
        assert "`skillstack redo --stack twin` brings back" in ran.out + ran.err


def test_a_damaged_store_is_said_and_is_no_crash(command, made):
    (made.store.root / "store.json").write_bytes(b"{")
    ran = command()
    assert (ran.status, ran.err) == (0, "")
    assert "skillstack --help" in ran.out


def test_it_loads_no_model_library():
    code = f"""
import sys
from skillstack.cli.group import run
assert run([]) == 0
sys.exit(" ".join(m for m in {HEAVY} if m in sys.modules) or 0)
"""
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_help_stays(command):
    assert "First steps" in command("--help").out


def test_what_was_deleted_comes_back_by_undo_and_what_was_undone_by_redo(made, monkeypatch):
    monkeypatch.delenv("SKILLSTACK_STACK", raising=False)
    stacks.delete(made.store, "mine")
    assert empty_hint(made.store, "mine") == "`skillstack undo` brings back what was deleted."
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
