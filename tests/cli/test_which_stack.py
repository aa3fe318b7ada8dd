"""Which store and which stack a command means: in a clone in which people have trained, and elsewhere."""

import re
import shutil
import subprocess

import pytest

from skillstack.stack import Stack
from skillstack.store import locate
from skillstack.store.store import Store

from .conftest import ROOT


@pytest.fixture
def elsewhere(command, made, tmp_path_factory, monkeypatch):
    """Command lines in a folder without a store; the clone's own current stack is ``mine``."""
    stacks = made.store.root / "stacks"
    shutil.copy(stacks / "mine", stacks / "reference")
    monkeypatch.setattr(locate, "packaged_store", lambda: Store.open(made.store.root, read_only=True))
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    return command


def test_without_a_store_every_command_means_the_reference_stack(elsewhere):
    assert elsewhere("log", "--json").json["stack"] == "reference"
    assert "There is no store here: this is the reference stack" in elsewhere("show").err
    assert "Stack reference" in elsewhere().out
    (only,) = elsewhere("stacks", "--json").json["stacks"]
    assert (only["name"], only["current"], only["read_only"]) == ("reference", True, True)


def test_without_a_store_learn_starts_a_copy_of_the_reference_stack(elsewhere):
    to, copied = Stack.open(create=True).to_add_to()
    assert (to.name, copied) == ("main", True)
    to, copied = Stack.open(stack="own", create=True).to_add_to()
    assert (to.name, copied) == ("own", False)
    to, copied = Stack.open(model="smollm2", create=True).to_add_to()
    assert (to.name, copied) == ("main", False)


def test_use_says_which_store_it_changes(command, made):
    ran = command("use", "mine")
    assert "The current stack is now mine" in ran.out and str(made.store.root) in ran.out


def test_an_import_makes_its_stack_the_current_one_and_says_what_was(command, made, tmp_path):
    assert command("export", "mine", "mine.zip").status == 0
    ran = command("import", "mine.zip", "--as", "twin")
    assert "The current stack is now twin; it was mine." in ran.out
    assert command("log", "--json").json["stack"] == "twin"
    assert "The current stack" not in command("import", "mine.zip", "--as", "twin").out


def test_an_undo_that_empties_the_current_stack_says_how_to_choose_another(command, made):
    command("export", "mine", "mine.zip")
    command("import", "mine.zip", "--as", "twin")
    ran = command("undo")
    assert "the stack is empty" in ran.out
    assert "it is still the current stack; `skillstack use NAME` chooses another" in ran.out


def test_a_variable_that_names_another_stack_is_mentioned(command, made, monkeypatch):
    command("export", "mine", "mine.zip")
    monkeypatch.setenv("SKILLSTACK_STACK", "mine")
    ran = command("import", "mine.zip", "--as", "twin")
    assert "SKILLSTACK_STACK still names mine." in ran.out


def test_stacks_names_the_store(command, made):
    assert str(made.store.root) in command("stacks").out


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="needs a checkout")
def test_the_demo_trains_into_a_store_that_git_ignores():
    found = re.search(
        r"^demo: export SKILLSTACK_STORE := (\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE
    )
    assert found is not None
    assert subprocess.run(["git", "check-ignore", "-q", found[1]], cwd=ROOT).returncode == 0
