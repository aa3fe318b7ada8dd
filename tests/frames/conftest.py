"""Stores to test on."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from skillstack.store.store import Store

from .builders import full_store

_RAM = Path("/dev/shm")


@pytest.fixture(scope="session")
def ram() -> Iterator[Path]:
    """A folder in memory where there is one: the tests make thousands of small stores."""
    folder = Path(tempfile.mkdtemp(dir=_RAM if os.access(_RAM, os.W_OK) else None))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def place(ram: Path) -> Iterator[Path]:
    """As pytest's ``tmp_path``, in memory."""
    folder = Path(tempfile.mkdtemp(dir=ram))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def store(place: Path) -> Store:
    """An empty store."""
    return Store.create(place / "store" / "frames")


@pytest.fixture
def full(place: Path) -> Store:
    """A store with every kind of file."""
    return full_store(place / "full" / "frames")
