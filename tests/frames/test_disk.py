"""A disk that really is full, and folders that really are read-only."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from skillstack.errors import StoreError, UsageError
from skillstack.store import gc, transactions
from skillstack.store.store import Store
from skillstack.store.verify import verify

from .builders import chain, files, push

Mount = Callable[..., None]


@pytest.fixture
def mount() -> Iterator[Mount]:
    """Mounts that are taken down again; skips where mounting is not allowed."""
    with ExitStack() as stack:

        def run(folder: Path, *options: str) -> None:
            folder.mkdir(exist_ok=True)
            if shutil.which("mount") is None or not hasattr(os, "geteuid") or os.geteuid() != 0:
                pytest.skip("needs root and mount")
            if subprocess.run(["mount", *options, str(folder)], capture_output=True, check=False).returncode:
                pytest.skip("mounting is not allowed here")
            stack.callback(subprocess.run, ["umount", "-l", str(folder)], check=True)

        yield run


def test_a_full_disk_leaves_the_store_as_it_was_and_works_on_with_room(tmp_path, mount):
    mount(tmp_path / "disk", "-t", "tmpfs", "-o", "size=512k", "tmpfs")
    store = Store.create(tmp_path / "disk" / "frames")
    push(store, "main", "alpha")
    push(store, "main", "beta")
    transactions.undo(store, "main")
    tip = chain(store, "main")
    filler = tmp_path / "disk" / "filler"
    refused = 0
    for room in range(12):  # pages left
        free = os.statvfs(tmp_path / "disk").f_bavail * os.statvfs(tmp_path / "disk").f_bsize
        with filler.open("wb") as file:
            file.write(bytes(free))
            file.truncate(max(0, file.tell() - room * 4096))
        for command in (
            lambda: push(store, "main", "gamma"),
            lambda: transactions.redo(store, "main"),
            lambda: transactions.undo(store, "main"),
        ):
            before = chain(store, "main")
            try:
                command()
            except UsageError:  # nothing to redo after the push
                continue
            except StoreError as error:
                refused += 1
                assert "disk is full" in error.message
                assert chain(store, "main") == before
            assert verify(store).ok
        filler.unlink()
        while chain(store, "main") != tip:
            transactions.undo(store, "main")
    assert refused > 5
    push(store, "main", "gamma")
    assert verify(store).ok and len(chain(store, "main")) == 2


def test_a_read_only_folder_is_named_and_can_still_be_read(tmp_path, mount):
    store = Store.create(tmp_path / "frames")
    push(store, "main", "alpha")
    push(store, "main", "beta")
    mount(store.root, "--bind", str(store.root))
    subprocess.run(["mount", "-o", "remount,ro,bind", str(store.root)], check=True)
    before = files(store.root)
    for change in (
        lambda: push(store, "main", "gamma"),
        lambda: transactions.undo(store, "main"),
        lambda: gc.collect(store, dry_run=False),
        lambda: store.set_head_stack("main"),
    ):
        with pytest.raises(StoreError, match="No permission to write") as caught:
            change()
        assert "--store" in caught.value.hint
    assert files(store.root) == before
    assert len(chain(store, "main")) == 2 and verify(store).ok
    assert transactions.undo(store, "main", dry_run=True).note == "push beta"
    assert gc.collect(store).files == ()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_named(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(StoreError, match="No permission to write"):
            Store.create(tmp_path / "frames")
    finally:
        tmp_path.chmod(0o700)
