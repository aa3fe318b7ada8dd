"""Completion, asked as a shell asks."""

import os
import shutil
import subprocess

import pytest

from skillstack.cli.completion import INSTALL


def completed(shell, words: str) -> list[str]:
    parts = words.split(" ")
    ran = shell(_SKILLSTACK_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD=str(len(parts) - 1))
    assert ran.err == ""
    return [line.split(",", 1)[1] for line in ran.out.splitlines() if line]


@pytest.mark.parametrize("name", INSTALL)
def test_the_script_begins_with_how_to_install_it(command, name):
    ran = command("completion", name)
    assert ran.status == 0
    assert ran.out.startswith(f"# To install: {INSTALL[name]}\n")
    assert "_SKILLSTACK_COMPLETE" in ran.out
    assert command("completion", name, "--json").json["install"] == INSTALL[name]


@pytest.mark.parametrize("name", INSTALL)
def test_the_script_is_one_of_its_shell(command, name):
    if shutil.which(name) is None:
        pytest.skip(f"needs {name}")
    script = command("completion", name).out
    done = subprocess.run([name, "-n"], input=script, capture_output=True, text=True, env={**os.environ})
    assert (done.returncode, done.stderr) == (0, "")


def test_commands_and_options_are_completed(shell):
    assert completed(shell, "skillstack do") == ["doctor"]
    assert completed(shell, "skillstack train --pres") == ["--preset"]
    assert completed(shell, "skillstack nosuch --x") == []


def test_names_are_completed(shell):
    assert completed(shell, "skillstack train --preset sta") == ["starter8"]
    assert "banking" in completed(shell, "skillstack doctor --task ba")
    assert completed(shell, "skillstack route --router hybrid_s") == ["hybrid_svm"]


def test_stacks_and_frames_of_the_store_are_completed(shell, made):
    assert completed(shell, "skillstack use ") == ["mine"]
    assert completed(shell, "skillstack show tr") == ["trips"]
    assert completed(shell, "skillstack predict --frame fi") == ["films"]


def test_nothing_is_said_where_the_store_is_damaged(shell, made):
    (made.store.root / "store.json").write_bytes(b"{")
    assert completed(shell, "skillstack use ") == []


def test_files_are_left_to_the_shell(shell):
    ran = shell(
        _SKILLSTACK_COMPLETE="bash_complete", COMP_WORDS="skillstack predict --input ", COMP_CWORD="3"
    )
    assert ran.out.startswith("file,")
