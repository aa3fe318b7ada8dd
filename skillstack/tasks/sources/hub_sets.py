"""The data sets of the hub that the package knows, one for a task: `hub.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import asdict, dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

from skillstack.frames import canonical
from skillstack.frames.digests import sha256

#: Raised when other rows, or other texts, come out of an equal entry.
VERSION = 1
#: Rows of a class that are kept at most.
TRAIN_PER_CLASS = 4_000
TEST_PER_CLASS = 1_000


@dataclass(frozen=True, kw_only=True)
class HubSet:
    """Where a task's rows come from on the hub, and what is done to them.

    :ivar task: name of the task.
    :ivar repo: name of the data set.
    :ivar revision: the pinned commit.
    :ivar text: columns of the text, joined with ``join``.
    :ivar pair: columns of the second text; empty for single texts.
    :ivar label: column of the label.
    :ivar names: class names of the set, in the order of their numbers; empty where the label is a boolean.
    :ivar clean: steps of `skillstack.tasks.sources.cleaning`.
    :ivar scan: rows of a split that are looked at; 0 for all.
    :ivar sorted: whether its rows are sorted by class, so that a file's beginning does not stand for it.
    :ivar download: megabytes, about.
    """

    task: str
    repo: str
    revision: str
    config: str
    text: tuple[str, ...]
    label: str
    names: tuple[str, ...]
    clean: tuple[str, ...]
    scan: int
    download: int
    licence: str
    train: str = "train"
    test: str = "test"
    validation: str = ""
    pair: tuple[str, ...] = ()
    join: str = " "
    sorted: bool = False

    @property
    def origin(self) -> str:
        """Data set, commit and configuration, for a skill's record."""
        return f"https://huggingface.co/datasets/{self.repo} {self.revision} {self.config}"

    def digest(self) -> str:
        """SHA-256 over all that decides which rows come out."""
        fields = asdict(self)
        for about in ("download", "licence"):
            del fields[about]
        return sha256(canonical.dumps([VERSION, TRAIN_PER_CLASS, TEST_PER_CLASS, fields]))


@lru_cache(maxsize=1)
def hub_sets() -> dict[str, HubSet]:
    """Every known set by its task's name."""
    text = resources.files("skillstack.tasks").joinpath("hub.toml").read_text(encoding="utf-8")
    return {name: _hub_set(name, entry) for name, entry in tomllib.loads(text).items()}


def _hub_set(name: str, entry: dict[str, Any]) -> HubSet:
    fields: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()
    }
    return HubSet(task=name, **fields)
