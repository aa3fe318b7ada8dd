"""Every command in the README runs, and what it shows is so."""

import csv
import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from skillstack import Stack
from skillstack.data.sources import load_task

from .commands import Terminal, commands_of, few_steps, light

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = commands_of(README)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder as a fresh clone has it: the reference stack, and nothing trained."""
    folder = tmp_path / "project"
    for name in (ROOT / "scripts" / "reference_files.txt").read_text(encoding="utf-8").split():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, folder / name)
    home = load_task("home")
    table = [(e.row.text, home.task.labels[e.label]) for e in home.train if e.label < 4]
    with (folder / "tickets.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("message", "queue"), *table])
    return folder


def test_the_readme_is_two_screens_and_has_the_commands_that_people_start_with():
    assert len(README.splitlines()) <= 120
    names = [command.split()[1] for command in COMMANDS]
    assert names == ["route", "predict", "learn", "eval", "compress", "undo"]


def test_what_the_readme_links_to_is_there():
    for page in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"):
        for target in re.findall(r"\]\(([^)#]+)\)", (ROOT / page).read_text(encoding="utf-8")):
            assert (ROOT / target).exists(), target


def test_the_picture_shows_the_stack_that_a_clone_carries():
    (picture,) = re.findall(r"```text\n(.*?)```", README, flags=re.DOTALL)
    stack = Stack.open(store=ROOT / "frames", stack="reference")
    frames = [frame.name for frame in stack]
    assert re.findall(r"│ (\w+)", picture) == frames
    text = re.search(r'"(.*)"', picture)
    assert text is not None
    found = stack.route(text[1])
    line = next(line for line in picture.splitlines() if f"│ {found.frame} " in line)
    assert found.accepted and "  sure enough" in line
    assert picture.count("not sure enough") == frames.index(found.frame) == found.depth - 1


@pytest.mark.slow
def test_every_command_of_the_readme_runs_in_the_order_given(project, monkeypatch, capsys):
    few_steps(monkeypatch)
    terminal = Terminal(project, monkeypatch, capsys)
    for command in COMMANDS:
        terminal(light(command))


@pytest.mark.thorough
def test_every_command_of_the_readme_runs_with_the_recipe_that_it_has(project, monkeypatch, capsys):
    terminal = Terminal(project, monkeypatch, capsys)
    for command in COMMANDS:
        terminal(command)


def test_the_first_command_of_the_readme_runs_as_a_program(project):
    done = subprocess.run(
        [sys.executable, "-m", *shlex.split(COMMANDS[0])],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(ROOT), "SKILLSTACK_STACK": "reference"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0 and "banking" in done.stdout, done.stderr


def test_the_python_example_runs(project, monkeypatch, capsys):
    code = re.search(r"```python\n(.*?)```", README, flags=re.DOTALL)
    assert code is not None
    monkeypatch.chdir(project)
    monkeypatch.setenv("SKILLSTACK_STACK", "reference")
    exec(code[1], {})
    assert capsys.readouterr().out.splitlines()[0] in ("freeze_account", "account_blocked", "report_fraud")


def test_the_measured_figures_are_those_of_the_results(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["summarize_results.py", "--check"])
    with pytest.raises(SystemExit) as done:
        runpy.run_path(str(ROOT / "scripts" / "summarize_results.py"), run_name="__main__")
    assert not done.value.code, "run `python scripts/summarize_results.py`"


def test_the_architecture_names_the_layers_and_modules_that_there_are():
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    table = text.partition("## Layers")[2].partition("## Flows")[0]
    rows = [row.split("|")[1:3] for row in table.splitlines() if row.startswith("| `")]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = project["tool"]["importlinter"]["contracts"][0]["layers"]
    held = [part.strip().removeprefix("skillstack.") for layer in layers for part in re.split(r"[|:]", layer)]
    assert sorted(re.findall(r"`(\w+)`", "".join(row[0] for row in rows))) == sorted(
        {*held} - {"process_lock"}
    )
    for packages, subjects in rows:
        folders = [ROOT / "skillstack" / package for package in re.findall(r"`(\w+)`", packages)]
        for name in re.findall(r"`([a-z_]+[*/]?)`", subjects):
            pattern = name.rstrip("/") + ("" if name.endswith("/") else ".py")
            assert any([*folder.glob(pattern)] for folder in folders), f"{packages}: {name}"
