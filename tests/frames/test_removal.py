"""Deleting takes what is known by name in real folders; what a link points at is somebody else's."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from skillstack.errors import StoreError
from skillstack.routers.stack_router import unneeded_states
from skillstack.store import gc, removal, stacks, transactions
from skillstack.store.derived import FOLDER, Derived, needs
from skillstack.store.files import TEMPORARY
from skillstack.store.store import Store
from skillstack.store.verify import verify

from .builders import push

PLAN, LEFT = "a" * 64, f"{TEMPORARY}{'1' * 32}"


def tree(folder: Path) -> dict[str, bytes | None]:
    """All that lies below a folder, with its bytes; links are not followed."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


def collect(store: Store, *, dry_run: bool = False) -> gc.Garbage:
    return gc.collect(store, dry_run=dry_run, expire_now=True, rebuildable=unneeded_states(store))


@pytest.fixture
def littered(place: Path) -> Store:
    """A store with garbage of every kind, and beside it in every folder a file of somebody's own."""
    store = Store.create(place / "store" / "frames")
    push(store, "main", "alpha")
    push(store, "main", "beta")
    transactions.undo(store, "main")
    store.put_measurement("e" * 64, "test", {"n": 1})
    Derived(store.root / FOLDER, "predictions-1").write("d" * 64, needs(["e" * 64]))
    for name in (f"work/{PLAN}/checkpoint.json", f"work/{PLAN}/{'b' * 64}.safetensors", f"nodes/{LEFT}"):
        (store.root / name).parent.mkdir(parents=True, exist_ok=True)
        (store.root / name).write_bytes(b"x")
    for name in ("state.json", "state.safetensors", LEFT):
        path = store.routers / "main" / PLAN / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return store


def folders(store: Store) -> list[Path]:
    """Every folder of a store, and every folder in it that it makes itself."""
    tops = [store.root / name for name in removal.KNOWN if name != "routers"] + [store.routers]
    return [top for top in tops if top.is_dir()] + [
        path for top in tops for path in top.rglob("*") if path.is_dir()
    ]


def place_of(store: Store, folder: Path) -> str:
    """The folder's name in the store, without the digest that an adapter's has."""
    name = store.relative(folder)
    return name.rpartition("-")[0] if name.startswith("adapters/") else name.rstrip("/.")


def link(folder: Path, outside: Path) -> Path:
    """Have the folder's place taken by a link to a folder elsewhere, which holds the same and more."""
    foreign = outside / "foreign"
    shutil.move(folder, foreign)
    strange = [f"{'9' * 64}.json", f"{'9' * 64}.safetensors", "9" * 64]
    for name in ("Notes.txt", LEFT, *(strange if folder.name != "stacks" else ())):
        (foreign / name).write_bytes(b"somebody's own")
    folder.symlink_to(foreign, target_is_directory=True)
    return foreign


NAMES = [
    "adapters", "adapters/beta", "canaries", "contents", "derived", "derived/predictions-1", "evaluations",
    "heads", "history", "nodes", "samples", "stacks", "work", f"work/{PLAN}", "../routers", "../routers/main",
    f"../routers/main/{PLAN}",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_linked_folder_is_named_and_what_it_points_at_is_left_alone(littered, place, name):
    (folder,) = (path for path in folders(littered) if place_of(littered, path) == name)
    foreign, linked = link(folder, place), littered.relative(folder)
    before = tree(foreign)
    for dry_run in (True, False, False):
        found = collect(littered, dry_run=dry_run)
        assert tree(foreign) == before
        assert linked in found.links
        assert not [path for path in found.files if path.startswith(f"{linked}/")]
    assert folder.is_symlink()
    assert not collect(littered).files
    assert all("9" * 64 in problem.path for problem in verify(littered).problems)
    if name == "nodes":
        transactions.redo(littered, "main")  # what the nodes behind the link name is there


def test_every_kind_of_folder_is_tried(littered):
    assert {place_of(littered, folder) for folder in folders(littered)} == {*NAMES, "adapters/alpha"}


def test_in_real_folders_files_of_other_names_stay(littered):
    own = []
    for folder in folders(littered):
        for name in ("Notes.txt", "Model.safetensors", f"{'f' * 63}.JSON", f"{TEMPORARY}x"):
            own.append(folder / name)
        own.append(folder / "Mine" / f"{'9' * 64}.json")
    for path in own:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"somebody's own")
    found = collect(littered)
    assert all(path.read_bytes() == b"somebody's own" for path in own)
    assert {path.split("/")[0] for path in found.files} > {"nodes", "derived", "evaluations", "work", ".."}
    assert found.links == ()


def test_of_a_linked_file_the_link_goes_and_the_file_stays(littered, place):
    collect(littered)
    (place / "data").write_bytes(b"somebody's own")
    for name in (f"evaluations/{'8' * 64}-test.json", f"heads/{'8' * 64}.safetensors"):
        (littered.root / name).symlink_to(place / "data")
    (littered.root / "nodes" / f"{'8' * 64}.json").symlink_to(place / "gone")
    assert len(collect(littered, dry_run=True).files) == 3
    assert len(collect(littered).files) == 3
    assert not list(littered.root.rglob("8" * 64 + "*"))
    assert (place / "data").read_bytes() == b"somebody's own"


def test_a_linked_file_is_as_young_as_what_it_points_at(littered, place):
    collect(littered)
    (place / "data").write_bytes(b"just found again")
    path = littered.root / "heads" / f"{'8' * 64}.safetensors"
    path.symlink_to(place / "data")
    os.utime(path, (1, 1), follow_symlinks=False)
    assert gc.collect(littered, dry_run=False).files == ()
    os.utime(place / "data", (1, 1))
    assert len(gc.collect(littered, dry_run=False).files) == 1


def test_a_store_that_the_user_reaches_by_a_link_is_collected(littered, place):
    for linked, target in ((place / "link", littered.root), (place / "above", littered.root.parent)):
        linked.symlink_to(target, target_is_directory=True)
    found = collect(Store.open(place / "link"), dry_run=True)
    assert found.files and found.links == ()
    assert collect(Store.open(place / "above" / "frames")) == found
    assert not collect(littered).files


def test_deleting_a_stack_moves_its_tip_and_nothing_else(littered, place):
    foreign = link(littered.routers / "main", place)
    before = tree(foreign)
    stacks.delete(littered, "main")
    assert tree(foreign) == before
    collect(littered)
    assert tree(foreign) == before


def test_a_folder_that_is_swapped_for_a_link_after_it_was_listed_is_no_way_out(littered, place, monkeypatch):
    foreign = place / "swapped"
    (foreign / "main" / PLAN).mkdir(parents=True)
    (foreign / "main" / PLAN / "state.json").write_bytes(b"somebody's own")
    before = tree(foreign)
    stale = unneeded_states(littered)
    shutil.rmtree(littered.routers)
    littered.routers.symlink_to(foreign, target_is_directory=True)
    gc.collect(littered, dry_run=False, expire_now=True, rebuildable=stale)
    assert tree(foreign) == before


def test_removing_what_is_gone_is_no_error_and_a_folder_is_no_file(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    for _ in range(2):
        assert removal.remove_file(tmp_path, tmp_path / "file")
    assert removal.remove_file(tmp_path, tmp_path / "nowhere" / "file")
    (tmp_path / "folder").mkdir()
    with pytest.raises(StoreError):
        removal.remove_file(tmp_path, tmp_path / "folder")


@pytest.mark.parametrize("by_descriptor", [True, False])
def test_nothing_behind_a_link_or_above_the_base_is_removed(tmp_path, monkeypatch, by_descriptor):
    monkeypatch.setattr(removal, "_BY_DESCRIPTOR", removal._BY_DESCRIPTOR and by_descriptor)
    base, foreign = tmp_path / "base", tmp_path / "foreign"
    for folder in (base / "real", foreign / "inner"):
        folder.mkdir(parents=True)
        (folder / "file").write_bytes(b"x")
    (base / "link").symlink_to(foreign, target_is_directory=True)
    before = tree(foreign)
    for path in (
        base / "link" / "inner" / "file",
        base / "real" / ".." / ".." / "foreign" / "inner" / "file",
    ):
        assert not removal.remove_file(base, path)
        removal.remove_empty(base, path.parent)
        with pytest.raises(StoreError, match="is a link"):
            removal.remove_tree(base, path.parent)
    with pytest.raises(StoreError, match="is a link"):
        removal.remove_tree(base, base / "link")
    assert tree(foreign) == before
    (base / "real" / "out").symlink_to(foreign, target_is_directory=True)
    removal.remove_tree(base, base / "real")
    assert tree(foreign) == before and not (base / "real").exists()
