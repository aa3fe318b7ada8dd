"""A small stack, trained once, and what became of it when its family was merged."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from skillstack.api import Stack
from skillstack.compression.planned import Planned
from skillstack.compression.result import Compressed

from ..tiny import copied, single_thread
from .world import make_stack, merge, plan_of


@pytest.fixture(scope="session")
def one_thread() -> Iterator[None]:
    """Tiny models are faster so."""
    with single_thread():
        yield


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, one_thread: None) -> Path:
    """The store of a small stack. Copy it before it is written to."""
    return make_stack(tmp_path_factory.mktemp("trained"))


@pytest.fixture
def stack(trained: Path, tmp_path: Path) -> Stack:
    """The stack in a store of its own."""
    return copied(trained, tmp_path)


@dataclass(frozen=True)
class Merging:
    """A stack before and after its sentiment frames were merged."""

    before: Stack
    after: Stack
    found: Compressed


@pytest.fixture(scope="session")
def merged(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Merging:
    """Both stacks. Copy them before they are written to."""
    before = copied(trained, tmp_path_factory.mktemp("before"))
    after = copied(trained, tmp_path_factory.mktemp("after"))
    return Merging(before, after, merge(after))


@pytest.fixture(scope="session")
def planned(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Planned:
    """A plan for the sentiment family."""
    return plan_of(copied(trained, tmp_path_factory.mktemp("planned")), method="auto")
