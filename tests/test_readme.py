"""Every command in the README runs."""

import csv
import gzip
import json
import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from skillstack.data.sources import load_task

from .commands import Terminal, commands_of, few_steps, light

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = commands_of(README)
#: Rows per class that are enough to see a command work; its speed and quality are measured elsewhere.
FEW = 12


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder as a fresh clone has it: the reference stack, and nothing trained."""
    folder = tmp_path / "project"
    for name in (ROOT / "scripts" / "reference_files.txt").read_text(encoding="utf-8").split():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, folder / name)
    rows = ["please block my card", "what a dull film", "book a flight to rome"]
    (folder / "texts.jsonl").write_text("".join(json.dumps({"text": row}) + "\n" for row in rows))
    home = load_task("home")
    table = [(e.row.text, home.task.labels[e.label]) for e in home.train if e.label < 4]
    with (folder / "tickets.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("message", "queue"), *table])
    with (folder / "more.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("message", "from"), *((row, "me") for row in rows)])
    return folder


def small_data(target: Path, shared_data: Path) -> None:
    """The task folders with a few rows per class."""
    for task in shared_data.glob("*/task.json"):
        if task.parent.name == "squad2":
            continue
        folder = target / task.parent.name
        folder.mkdir(parents=True)
        shutil.copyfile(task, folder / "task.json")
        for split in ("train", "test"):
            seen: dict[int, int] = {}
            with gzip.open(task.parent / f"{split}.jsonl.gz", "rt", encoding="utf-8") as lines:
                chosen = []
                for line in lines:
                    label = json.loads(line)["label"]
                    seen[label] = seen.get(label, 0) + 1
                    if seen[label] <= FEW:
                        chosen.append(line)
            (folder / f"{split}.jsonl").write_text("".join(chosen), encoding="utf-8")


def test_there_are_commands():
    assert len(COMMANDS) > 10


@pytest.mark.slow
def test_every_command_of_the_readme_runs_in_the_order_given(project, shared_data, monkeypatch, capsys):
    small_data(project / "path/to/data", shared_data)
    few_steps(monkeypatch)
    terminal = Terminal(project, monkeypatch, capsys)
    for command in COMMANDS:
        terminal(light(command))


@pytest.mark.thorough
def test_every_command_of_the_readme_runs_with_the_recipe_that_it_has(
    project, shared_data, monkeypatch, capsys
):
    small_data(project / "path/to/data", shared_data)
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
