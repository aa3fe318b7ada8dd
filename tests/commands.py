"""The commands that a page shows, run in this process, which is quicker, with trainings of a few steps."""

from __future__ import annotations

import dataclasses
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from skillstack import learning
from skillstack.cli.group import run
from skillstack.compression import rows
from skillstack.data.splits import Splits
from skillstack.data.task import Example
from skillstack.training import data, resolve
from skillstack.training.recipe import Recipe

ROOT = Path(__file__).resolve().parents[1]
#: What is no command line of skillstack itself is a process.
PROGRAMS = {"accelerate": (sys.executable, "-m", "accelerate.commands.accelerate_cli")}
#: At most this much of a recipe: enough to see a command work. Speed and quality are measured elsewhere.
LIMITS = {
    "dev_samples": 16,
    "router_samples": 32,
    "max_length": 32,
    "max_steps": 2,
    "min_epochs": 0,
}


def commands_of(text: str) -> list[str]:
    """The lines after ``$`` in the console blocks of a page."""
    blocks = re.findall(r"```console\n(.*?)```", text, flags=re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    return [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]


#: Rows of a task that a compression fits on, chooses by and is guarded by.
FIT, DEV, GUARD = 24, 12, 240
#: What a page says to save time, and what saves more.
#: A change that has to pass with so few rows may cost more.
FEWER = {"--eval-samples-per-class 8": "--eval-samples-per-class 1", "--margin 5": "--margin 20"}


def few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trainings take few rows and few steps, whatever recipe is asked for; so do what they are held against
    and compressions.
    """
    recipe_of, choose_rows, split = resolve.recipe_of, data.choose_rows, rows.split

    def fewer(*given: Any) -> Splits:
        sides = split(*given)
        return Splits(_first(sides.train, FIT), _first(sides.dev, DEV), _first(sides.guard, GUARD))

    for module in (resolve, learning):
        monkeypatch.setattr(module, "recipe_of", lambda *given: _small(recipe_of(*given)))
    monkeypatch.setattr(data, "choose_rows", lambda task, recipe: choose_rows(task, _small(recipe)))
    monkeypatch.setattr(rows, "split", fewer)


def _small(recipe: Recipe) -> Recipe:
    limits = {name: min(getattr(recipe, name) or most, most) for name, most in LIMITS.items()}
    # Recipes that differ go on differing: a page trains again with fewer rows.
    return dataclasses.replace(recipe, samples_per_class=2 + recipe.samples_per_class // 100, **limits)


def _first(examples: Sequence[Example], most: int) -> tuple[Example, ...]:
    """About so many examples, as many of each label."""
    left = dict.fromkeys(
        {one.label for one in examples}, -(-most // len({one.label for one in examples} or {0}))
    )
    found = []
    for one in examples:
        if left[one.label]:
            left[one.label] -= 1
            found.append(one)
    return tuple(found)


def light(line: str) -> str:
    """The same line, about fewer rows."""
    for said, less in FEWER.items():
        line = line.replace(said, less)
    return line


class Terminal:
    """Runs lines of a page in a folder, away from the settings of whoever runs the tests."""

    def __init__(
        self,
        folder: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._folder, self._capsys = folder, capsys
        monkeypatch.chdir(folder)
        for name in ("SKILLSTACK_STORE", "SKILLSTACK_STACK"):
            monkeypatch.delenv(name, raising=False)
        for name, value in {"NO_COLOR": "1", "HF_HUB_OFFLINE": "1", **(environment or {})}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv(
            "PYTHONPATH", os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
        )

    def __call__(self, line: str) -> None:
        """Run a line, which may say where its answer goes; it has to end well."""
        words = shlex.split(line)
        target = words[words.index(">") + 1] if ">" in words else None
        program, *arguments = words[: words.index(">")] if ">" in words else words
        if program == "skillstack":
            self._capsys.readouterr()
            status = run(arguments)
            out, err = self._capsys.readouterr()
        else:
            done = subprocess.run(
                [*PROGRAMS[program], *arguments], capture_output=True, text=True, timeout=600
            )
            status, out, err = done.returncode, done.stdout, done.stderr
        assert status == 0, f"{line}\n{out}\n{err}"
        if target:
            (self._folder / target).write_text(out, encoding="utf-8")
