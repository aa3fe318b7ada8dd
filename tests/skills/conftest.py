"""A stack of two frames on a tiny base; each test has a copy."""

from __future__ import annotations

from pathlib import Path

import pytest

from skillstack.stack import Stack

from ..tiny import copied, single_thread, store_of

TASKS = ("imdb_sentences", "travel")
RECIPE = {"samples_per_class": 4, "dev_samples": 30, "router_samples": 8, "max_length": 32, "max_steps": 4}


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store that is copied."""
    return store_of(tmp_path_factory.mktemp("kinds"), TASKS, RECIPE)


@pytest.fixture
def stack(made: Path, tmp_path: Path):
    """A stack of one's own, opened with its base."""
    with single_thread():
        found = copied(made, tmp_path)
        yield Stack.open(found.store.root, found.name, model=str(tmp_path / "tiny-bert"), device="cpu")


def names(stack: Stack) -> list[str]:
    """The frames, newest first."""
    return [frame.name for frame in stack.frames()]
