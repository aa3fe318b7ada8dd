"""A small stack, trained once."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from skillstack.evaluation.result import Evaluation
from skillstack.stack import Stack

from ..tiny import copied
from .world import evaluate, make_stack


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test writes into the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        if "SKILLSTACK_CACHE" not in os.environ:
            patch.setenv("SKILLSTACK_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, one_thread: None) -> Path:
    """The store of a small stack. Copy it before it is written to."""
    return make_stack(tmp_path_factory.mktemp("trained"))


@pytest.fixture(scope="session")
def asked(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Stack:
    """A copy of the stack that was evaluated, with every frame on every task: all answers are kept."""
    stack = copied(trained, tmp_path_factory.mktemp("asked"))
    evaluate(stack, matrix=True)
    return stack


@pytest.fixture(scope="session")
def evaluation(asked: Stack) -> Evaluation:
    """What was found."""
    return evaluate(asked, matrix=True)


@pytest.fixture
def stack(trained: Path, tmp_path: Path) -> Stack:
    """The stack in a store of its own, about which nothing was asked yet."""
    return copied(trained, tmp_path)


@pytest.fixture
def answered(asked: Stack, tmp_path: Path) -> Stack:
    """The stack in a store of its own, with all answers to `FEW` test rows of each class."""
    return copied(asked.store.root, tmp_path)
