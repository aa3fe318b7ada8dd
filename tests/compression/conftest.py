"""A small stack, trained once, and what became of it when its family was merged."""

from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from skillstack.compression.results import Compressed
from skillstack.models.base import Base
from skillstack.models.encoding import encode
from skillstack.models.loading import load_base
from skillstack.stack import Stack
from skillstack.store.records import Rendering
from skillstack.store.rows import Row

from ..tiny import copied, tiny_bert
from .world import Planned, make_stack, merge, plan_of


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
    return plan_of(copied(trained, tmp_path_factory.mktemp("planned")), method="auto", candidates="all")


@pytest.fixture(scope="session")
def bert_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a random encoder of four layers lies."""
    return tiny_bert(tmp_path_factory.mktemp("models") / "bert")


@pytest.fixture
def tiny_base(
    bert_folder, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> tuple[Base, dict[str, torch.Tensor]]:
    """The encoder, loaded anew for each test, and a batch of text for it."""
    monkeypatch.setenv("SKILLSTACK_CACHE", str(tmp_path_factory.mktemp("cache")))
    base = load_base(str(bert_folder), device="cpu")
    rows = [Row("a great movie that I loved"), Row("please block my card")]
    return base, encode(base, rows, Rendering(max_length=32)).batch(range(2)).inputs()
