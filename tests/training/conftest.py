"""Tiny bases, made once, and a world around each."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from skillstack.models.base import Base
from skillstack.models.loading import load_base
from skillstack.store.store import Store

from .. import tiny
from ..tiny import single_thread, tiny_bert
from .world import World, tiny_llama


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No fast test writes into the user's cache; a conversion that is there already may be read."""
    patch = pytest.MonkeyPatch()
    if "SKILLSTACK_CACHE" not in os.environ:
        patch.setenv("SKILLSTACK_CACHE", str(tmp_path_factory.mktemp("cache")))
    yield
    patch.undo()


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Tiny models are faster so, and equal ids are promised for equal numbers of threads."""
    with single_thread():
        yield


@pytest.fixture(scope="session")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a random encoder."""
    return tiny_bert(tmp_path_factory.mktemp("bert") / "tiny-bert")


@pytest.fixture(scope="session")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a random decoder."""
    return tiny_llama(tmp_path_factory.mktemp("llama") / "tiny-llama")


@pytest.fixture
def encoder(bert: Path) -> Base:
    """The random encoder, loaded anew for each test."""
    return load_base(str(bert), device="cpu")


@pytest.fixture
def decoder(llama: Path) -> Base:
    """The random decoder, loaded anew for each test."""
    return load_base(str(llama), device="cpu")


@pytest.fixture
def make_world(tmp_path: Path, bert: Path) -> Callable[..., World]:
    """Makes empty stores of their own, around the random encoder or another base."""
    made = 0

    def make(folder: Path = bert) -> World:
        nonlocal made
        made += 1
        return World(Store.create(tmp_path / f"store-{made}"), folder)

    return make


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """An empty store around the random encoder."""
    return make_world()


@pytest.fixture
def last_candidate_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Random models seldom gain by training; where a test needs an adapter, dev is not asked."""
    tiny.last_candidate_wins(monkeypatch)
