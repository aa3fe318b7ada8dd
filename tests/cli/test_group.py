"""The program as a whole: help, errors, statuses, pipes."""

import subprocess
import sys

import pytest

from skillstack.cli.group import SUMMARIES, cli

from .conftest import ROOT


def test_help_lists_every_command_and_the_first_steps(shell):
    ran = shell("--help")
    assert ran.status == 0
    assert all(name in ran.out for name in SUMMARIES)
    assert "skillstack train --preset starter8" in ran.out
    assert ran.out.index("train") < ran.out.index("gc  ")


@pytest.mark.parametrize("name", SUMMARIES)
def test_every_command_has_the_common_options_and_examples(name):
    command = cli.get_command(None, name)
    assert command.name == name
    options = {option for parameter in command.params for option in parameter.opts}
    assert {"--json", "--store", "--stack", "--debug"} <= options
    assert any(example.startswith(f"skillstack {name}") for example in command.examples)


HEAVY = ("numpy", "rich", "torch", "transformers", "sklearn", "scipy", "skillstack.stack")


@pytest.mark.parametrize("name", ["", *SUMMARIES])
def test_help_loads_no_library_but_click(name):
    code = f"""
import sys
from skillstack.cli.group import run
assert run({[name, "--help"] if name else ["--help"]}) == 0
sys.exit(" ".join(m for m in {HEAVY} if m in sys.modules) or 0)
"""
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_the_version_is_told(shell):
    assert shell("--version").out.startswith("skillstack ")


def test_an_unknown_command_gets_a_suggestion(shell):
    ran = shell("predcit", "hello")
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith("error: There is no command 'predcit'.\nDid you mean 'predict'?")


def test_errors_are_documents_with_json(shell):
    ran = shell("log", "--nope", "--json")
    assert ran.status == 2
    assert ran.json["schema"] == 1
    assert ran.json["error"]["type"] == "UsageError"
    assert "--nope" in ran.json["error"]["message"]
    assert "--nope" in ran.err


def test_a_text_that_looks_like_an_option_is_none_after_two_dashes(shell):
    ran = shell("route", "--threshold", "x", "--", "--json")
    assert (ran.status, ran.out) == (2, "")


def test_debug_shows_the_traceback(shell):
    assert "Traceback" not in shell("route").err
    assert "Traceback" in shell("route", "--debug").err


@pytest.mark.skipif(sys.platform != "linux", reason="needs /dev/full")
def test_a_full_disk_behind_the_output_is_an_error(shell):
    command = f"{sys.executable} -m skillstack --help > /dev/full"
    ran = subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 3
    assert ran.stderr.startswith("error: The system refused: No space left")


def test_a_closed_pipe_is_quiet():
    code = (
        "import os, sys; r, w = os.pipe(); os.close(r); os.dup2(w, 1);"
        "sys.argv = ['skillstack', '--help'];"
        "from skillstack.cli import main; main()"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (141, "")
