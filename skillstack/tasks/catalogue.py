"""The tasks that the package knows by name."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from importlib import resources

from skillstack.errors import UsageError, did_you_mean
from skillstack.tasks.task import Task


@lru_cache(maxsize=1)
def catalogue() -> dict[str, Task]:
    """Every known task by its name, in the order of ``catalogue.toml``."""
    text = resources.files("skillstack.tasks").joinpath("catalogue.toml").read_text(encoding="utf-8")
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
