"""Tasks that the package knows by name, and presets: sequences of them with a recipe, a TOML file each."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from typing import Any

from skillstack.data.task import Task
from skillstack.errors import UsageError, did_you_mean


@lru_cache(maxsize=1)
def catalogue() -> dict[str, Task]:
    """Every known task by its name, in the order of ``catalogue.toml``."""
    text = resources.files("skillstack.data").joinpath("catalogue.toml").read_text(encoding="utf-8")
    return {
        name: Task(
            name=name,
            family=entry["family"],
            labels=tuple(entry["labels"]),
            pair=entry.get("pair", False),
            prompt=entry["prompt"],
            label_words=tuple(entry.get("label_words", ())),
            truncation=entry["truncation"],
            description=entry["description"],
        )
        for name, entry in tomllib.loads(text).items()
    }


def known_task(name: str) -> Task:
    """The task of this name.

    :raises UsageError: if the catalogue has none.
    """
    known = catalogue()
    if name not in known:
        raise UsageError(f"There is no task {name[:80]!r}.", did_you_mean(name, known))
    return known[name]


@dataclass(frozen=True)
class PresetTask:
    """One task of a preset and where its rows come from.

    :ivar source: "starter" (ships with the package) or "folder" (``<data-dir>/<name>``, else the hub).
    :ivar repo: public repository that the folder's rows were cut from; empty for starter tasks.
    :ivar commit: the pinned commit of that repository; two are separated by "; ".
    :ivar path: the files there.
    """

    name: str
    source: str
    repo: str = ""
    commit: str = ""
    path: str = ""


@dataclass(frozen=True)
class Preset:
    """A named sequence of tasks.

    :ivar tasks: in the order of training.
    :ivar encoder: what differs from the recipe's defaults on encoders.
    :ivar decoder: the same on decoders.
    """

    name: str
    description: str
    tasks: tuple[PresetTask, ...]
    encoder: dict[str, Any] = field(default_factory=dict)
    decoder: dict[str, Any] = field(default_factory=dict)

    @property
    def task_names(self) -> tuple[str, ...]:
        """The names of the tasks, in order."""
        return tuple(task.name for task in self.tasks)


@lru_cache(maxsize=1)
def preset_names() -> tuple[str, ...]:
    """The names of all presets, sorted."""
    folder = resources.files("skillstack.data").joinpath("presets")
    return tuple(
        sorted(file.name.removesuffix(".toml") for file in folder.iterdir() if file.name.endswith(".toml"))
    )


def load_preset(name: str) -> Preset:
    """The preset of this name.

    :raises UsageError: if there is none.
    """
    if name not in preset_names():
        raise UsageError(f"There is no preset {name[:80]!r}.", did_you_mean(name, preset_names()))
    file = resources.files("skillstack.data").joinpath("presets", f"{name}.toml")
    entry = tomllib.loads(file.read_text(encoding="utf-8"))
    recipe = entry.get("recipe", {})
    return Preset(
        name=name,
        description=entry["description"],
        tasks=tuple(PresetTask(**task) for task in entry["tasks"]),
        encoder=dict(recipe.get("encoder", {})),
        decoder=dict(recipe.get("decoder", {})),
    )
