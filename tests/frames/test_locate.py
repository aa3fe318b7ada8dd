"""Which store and which stack a command means."""

from __future__ import annotations

import pytest

from skillstack.errors import IntegrityError, StoreError, UsageError
from skillstack.store import locate
from skillstack.store.locate import choose_stack, find_store
from skillstack.store.store import Store

from .builders import push


@pytest.fixture(autouse=True)
def no_packaged_store(monkeypatch):
    monkeypatch.setattr(locate, "packaged_store", lambda: None)


def test_the_nearest_store_here_or_above_is_found(tmp_path):
    outer = Store.create(tmp_path / "frames")
    inner = Store.create(tmp_path / "a" / "b" / "frames")
    (tmp_path / "a" / "b" / "c").mkdir()
    assert find_store(here=tmp_path / "a" / "b" / "c", environ={}).store.root == inner.root
    assert find_store(here=tmp_path / "a" / "b" / "frames", environ={}).store.root == inner.root
    assert find_store(here=tmp_path / "a", environ={}).store.root == outer.root
    assert not find_store(here=tmp_path, environ={}).packaged


def test_a_named_store_comes_before_the_variable_and_that_before_the_nearest(tmp_path):
    for name in ("named", "variable", "here/frames"):
        Store.create(tmp_path / name)
    environ = {"SKILLSTACK_STORE": str(tmp_path / "variable")}
    here = tmp_path / "here"
    assert find_store(str(tmp_path / "named"), here=here, environ=environ).store.root == tmp_path / "named"
    assert find_store(here=here, environ=environ).store.root == tmp_path / "variable"
    assert find_store(here=here, environ={"SKILLSTACK_STORE": ""}).store.root == here / "frames"


def test_the_project_folder_may_be_named_as_well(tmp_path):
    Store.create(tmp_path / "frames")
    assert find_store(str(tmp_path), environ={}).store.root == tmp_path / "frames"


def test_a_named_store_that_is_not_there_is_an_error_and_made_only_on_demand(tmp_path):
    (tmp_path / "here").mkdir()
    Store.create(tmp_path / "here" / "frames")
    for environ, explicit in (({}, str(tmp_path / "x")), ({"SKILLSTACK_STORE": str(tmp_path / "x")}, None)):
        with pytest.raises(StoreError, match="There is no store"):
            find_store(explicit, here=tmp_path / "here", environ=environ)
    assert not (tmp_path / "x").exists()
    assert find_store(str(tmp_path / "x"), create=True, environ={}).store.root == tmp_path / "x"


def test_without_any_a_store_is_made_here_only_on_demand(tmp_path):
    with pytest.raises(StoreError, match="no store here"):
        find_store(here=tmp_path, environ={})
    assert list(tmp_path.iterdir()) == []
    assert find_store(here=tmp_path, create=True, environ={}).store.root == tmp_path.resolve() / "frames"


def test_a_foreign_frames_folder_is_never_taken(tmp_path):
    Store.create(tmp_path / "frames")
    foreign = tmp_path / "film" / "frames"
    foreign.mkdir(parents=True)
    (foreign / "0001.png").write_bytes(b"x")
    assert find_store(here=tmp_path / "film", environ={}).store.root == tmp_path / "frames"
    with pytest.raises(StoreError, match="exists and is no store"):
        find_store(str(foreign), create=True, environ={})
    (tmp_path / "frames" / "store.json").unlink()
    with pytest.raises(StoreError, match="exists and is no store"):
        find_store(here=tmp_path / "film", create=True, environ={})
    assert [path.name for path in foreign.iterdir()] == ["0001.png"]


def test_a_damaged_store_is_an_error_and_not_passed_over(tmp_path):
    Store.create(tmp_path / "frames")
    inner = Store.create(tmp_path / "a" / "frames")
    (inner.root / "store.json").write_bytes(b"{")
    with pytest.raises(IntegrityError):
        find_store(here=tmp_path / "a", environ={})


def test_the_packaged_store_is_the_last_resort_and_read_only(tmp_path, monkeypatch):
    packaged = Store.create(tmp_path / "package" / "frames")
    monkeypatch.setattr(locate, "packaged_store", lambda: Store.open(packaged.root, read_only=True))
    (tmp_path / "here").mkdir()
    found = find_store(here=tmp_path / "here", environ={})
    assert found.packaged and found.store.read_only
    push(packaged, "trained", "first")
    packaged.set_head_stack("trained")  # in a clone, people train in it as well
    assert choose_stack(found.store, environ={}) == "reference"
    assert not find_store(here=tmp_path / "here", create=True, environ={}).packaged


def test_the_variable_of_this_process_counts(tmp_path, monkeypatch):
    monkeypatch.setenv("SKILLSTACK_STORE", str(Store.create(tmp_path / "x").root))
    assert find_store().store.root == tmp_path / "x"
    monkeypatch.setenv("SKILLSTACK_STACK", "mine")
    assert choose_stack(Store.open(tmp_path / "x")) == "mine"


def test_the_stack_is_the_named_one_the_variable_the_current_one_or_reference(store):
    assert choose_stack(store, environ={}) == "reference"
    push(store, "main", "alpha")
    store.set_head_stack("main")
    assert choose_stack(store, environ={}) == "main"
    assert choose_stack(store, environ={"SKILLSTACK_STACK": "other"}) == "other"
    assert choose_stack(store, "named", environ={"SKILLSTACK_STACK": "other"}) == "named"
    for environ, explicit in (({}, "../x"), ({"SKILLSTACK_STACK": "A"}, None)):
        with pytest.raises(UsageError):
            choose_stack(store, explicit, environ=environ)


def test_without_a_current_stack_the_only_one_is_meant(store):
    push(store, "trained", "first")
    assert choose_stack(store, environ={}) == "trained"
    push(store, "another", "second")
    assert choose_stack(store, environ={}) == "reference"


def test_a_damaged_current_stack_is_named(full):
    (full.root / "HEAD").write_bytes(b"ref: main")
    with pytest.raises(IntegrityError, match="HEAD"):
        choose_stack(full, environ={})
