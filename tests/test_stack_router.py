"""A stack's router gives its scores, and the files of its state are checked together and read once."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from skillstack import Stack
from skillstack.errors import IntegrityError, StoreError, UsageError
from skillstack.library import Library
from skillstack.results import Route
from skillstack.routers import registry, stack_router
from skillstack.routers.base import RECORD, TENSORS, Router, read_state
from skillstack.routers.stack_router import StackRouter, router_file_check
from skillstack.store.rows import Row
from skillstack.store.store import Store

from .frames.faults import faults

REFERENCE = Path(__file__).resolve().parents[1] / "routers" / "reference"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a real state."""
    real = next(REFERENCE.iterdir())
    return Path(shutil.copytree(real, tmp_path / real.name))


def test_a_state_is_read_once_for_both_its_files(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[Path] = []

    def counting(place: Path) -> dict[str, bytes]:
        reads.append(place)
        return read_state(place)

    monkeypatch.setattr(stack_router, "read_state", counting)
    check = router_file_check()
    assert [check(folder / name) for name in (RECORD, TENSORS, "notes.txt")] == [
        True,
        True,
        False,
    ]
    assert reads == [folder]


@pytest.mark.parametrize("name", [RECORD, TENSORS])
def test_damage_in_one_file_is_told_of_both_and_seen_by_the_next_check(folder: Path, name: str) -> None:
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:])
    check = router_file_check()
    for file in (RECORD, TENSORS):
        with pytest.raises(IntegrityError):
            check(folder / file)
    (folder / name).write_bytes(whole)
    assert router_file_check()(folder / name)


def test_a_state_without_its_record_is_damage_only_where_a_stack_needs_it(folder: Path) -> None:
    (folder / RECORD).unlink()
    for needed in (None, {folder}):
        with pytest.raises(IntegrityError):
            router_file_check(needed)(folder / TENSORS)
    assert router_file_check(set())(folder / TENSORS)


def test_scores_are_those_by_which_route_chooses() -> None:
    store = Store.open(REFERENCE.parents[1] / "frames")
    chain = store.contents("reference")
    router = StackRouter(store, "reference")
    rows = [Row("please block my card"), Row("What a film!"), Row("a pair", "is for nobody here")]
    found = router.scores(chain, rows)
    assert found.values.shape == (3, len(chain)) and found.values.dtype == np.float32
    routed = router.route(chain, rows, router="hybrid_chain")
    for scores, result in zip(found.values.tolist(), routed, strict=True):
        assert scores == [score for name in found.skills for score in _score(result, name)]
    assert found.frames == tuple(range(len(chain)))
    assert router.scores(chain, rows, threshold=0.5).threshold == 0.5
    assert found.threshold == router.fitted(chain).threshold
    with pytest.raises(UsageError, match="no number"):
        router.scores(chain, rows, threshold=float("nan"))


class Newest(Router):
    """The newest frame answers whatever it can read."""

    name = "newest"

    def scores(self, rows: Sequence[Row]) -> NDArray[np.float32]:
        return np.tile(np.array(self.frames, np.float32), (len(rows), 1))


def test_a_router_is_a_class_and_a_line_in_the_registry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(registry._ROUTERS, "newest", f"{__name__}:Newest")
    shutil.copytree(REFERENCE.parents[1] / "frames", tmp_path / "frames")
    shutil.copytree(REFERENCE.parent, tmp_path / "routers")
    stack = Stack.open(tmp_path / "frames", "reference")
    texts = ["please block my card", "What a film!"]
    before = stack.route(texts)
    routed = stack.route(texts, router="newest")
    assert {route.frame for route in routed} == {stack.frames()[0].name}
    assert {(route.router, route.score, route.accepted) for route in routed} == {("newest", 7.0, True)}
    # Its state lies beside that of the others, is checked with it, and is needed while it fits.
    assert len(list((tmp_path / "routers" / "reference").iterdir())) == 2
    assert stack.verify()[0].ok and Library(stack.store.root).gc(expire_now=True).files == ()
    again = Stack.open(tmp_path / "frames", "reference")
    monkeypatch.setattr(Newest, "fit", lambda *_, **__: pytest.fail("the router was fitted anew"))
    assert [route.ranking for route in again.route(texts, router="newest")] == [one.ranking for one in routed]
    assert [route.ranking for route in again.route(texts)] == [one.ranking for one in before]
    with pytest.raises(UsageError, match="no depth"):
        again.route(texts, router="newest", depth=2)
    record = next(
        path for path in (tmp_path / "routers").rglob(RECORD) if not (path.parent / TENSORS).exists()
    )
    record.write_bytes(record.read_bytes().replace(b"newest", b"oldest"))
    assert not again.verify()[0].ok


def _score(result: Route, name: str) -> list[float]:
    return [ranked.score for ranked in result.ranking if ranked.skill == name]


def test_a_full_disk_costs_the_next_command_its_time_and_this_one_nothing(tmp_path: Path) -> None:
    shutil.copytree(
        REFERENCE.parents[1] / "frames", tmp_path / "frames", ignore=shutil.ignore_patterns("work")
    )
    store = Store.open(tmp_path / "frames")
    chain = store.contents("reference")[:2]
    router = StackRouter(store, "reference")
    with faults(0, "full"):
        (route,) = router.route(chain, [Row("What a film!")], router="hybrid_chain")
    assert route.skill in {skill.name for _, content in chain for skill in content.skills}
    assert not router.folder(chain).exists()
    with faults(0, "full"), pytest.raises(StoreError, match="disk is full"):
        router.fit(chain)
