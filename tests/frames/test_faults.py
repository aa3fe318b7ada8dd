"""Whatever instant a command fails at, the store holds the old state or the new one, and works on.

Each command is run once for every call in which it changes the disk, and fails there: killed, with an
I/O error, or with a full disk.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from skillstack.errors import StoreError
from skillstack.store import gc, transactions
from skillstack.store.history import read_history
from skillstack.store.store import Store
from skillstack.store.verify import verify

from .builders import chain, push, push_content, rebase, stateful
from .faults import ROOM, Killed, faults

State = tuple[list[str], int, int]


@dataclass(frozen=True)
class Command:
    """What is run, on which store, and again where it did not get through."""

    prepare: Callable[[Path], object]
    run: Callable[[Path], object]


def two_frames(root: Path) -> None:
    store = Store.create(root)
    push(store, "main", "alpha")
    push(store, "main", "beta", transaction="t")


def undone(root: Path) -> None:
    two_frames(root)
    transactions.undo(Store.open(root), "main")


def one_undone(root: Path) -> None:
    store = Store.create(root)
    push(store, "main", "alpha")
    transactions.undo(store, "main")


def push_state(root: Path) -> None:
    store = Store.open(root)
    push_content(store, "main", stateful(store))


def state_undone(root: Path) -> None:
    two_frames(root)
    push_state(root)
    transactions.undo(Store.open(root), "main")


def rebase_on_nothing(root: Path) -> None:
    store = Store.open(root)
    rebase(store, "main", [store.node(store.tip("main")).content])


COMMANDS = {
    "first push": Command(lambda root: None, lambda root: push(Store.create(root), "main", "alpha")),
    "push": Command(two_frames, lambda root: push(Store.open(root), "main", "gamma", transaction="t")),
    "push after undo": Command(undone, lambda root: push(Store.open(root), "main", "beta")),
    "replace": Command(two_frames, rebase_on_nothing),
    "undo": Command(two_frames, lambda root: transactions.undo(Store.open(root), "main")),
    "undo to nothing": Command(
        lambda root: push(Store.create(root), "main", "alpha"),
        lambda root: transactions.undo(Store.open(root), "main"),
    ),
    "redo": Command(undone, lambda root: transactions.redo(Store.open(root), "main")),
    "redo from nothing": Command(one_undone, lambda root: transactions.redo(Store.open(root), "main")),
    "gc": Command(undone, lambda root: gc.collect(Store.open(root), dry_run=False, expire_now=True)),
    "push of a state": Command(two_frames, push_state),
    "gc of a state": Command(
        state_undone, lambda root: gc.collect(Store.open(root), dry_run=False, expire_now=True)
    ),
    "use": Command(two_frames, lambda root: Store.open(root).set_head_stack("main")),
    "measure": Command(two_frames, lambda root: Store.open(root).put_measurement("a" * 64, "test", {"n": 1})),
}


def state(root: Path) -> State:
    """What people see: the chain, and how many transactions can be undone and redone."""
    if not (root / "store.json").exists():
        return [], 0, 0
    store = Store.open(root)
    history = read_history(store, "main")
    return chain(store, "main"), len(history.done), len(history.undone)


@dataclass(frozen=True)
class Bench:
    """A command, its store before it, and both states."""

    command: Command
    template: Path
    folder: Path
    old: State
    new: State
    calls: tuple[str, ...]

    def fresh(self, name: str) -> Path:
        root = self.folder / name / "frames"
        shutil.copytree(self.template.parent, root.parent)
        return root

    def check(self, root: Path, where: str) -> None:
        """Old or new, whole, and able to go on."""
        found = state(root)
        assert found in (self.old, self.new), where
        if (root / "store.json").exists():
            verification = verify(Store.open(root))
            assert verification.ok, (where, verification.problems)
        if found == self.old:
            self.command.run(root)
        assert state(root) == self.new, where
        assert verify(Store.open(root)).ok, where
        shutil.rmtree(root.parent)


@pytest.fixture(params=COMMANDS, scope="module")
def bench(request: pytest.FixtureRequest, ram: Path) -> Bench:
    folder = ram / request.param
    folder.mkdir()
    command = COMMANDS[request.param]
    template = folder / "template" / "frames"
    template.parent.mkdir()
    with faults():
        command.prepare(template)
    done = folder / "done" / "frames"
    shutil.copytree(template.parent, done.parent)
    with faults() as counted:
        command.run(done)
    old, new = state(template), state(done)
    assert old != new or request.param in ("gc", "gc of a state", "use", "measure")
    return Bench(command, template, folder, old, new, tuple(counted.calls))


def test_killed_at_any_call(bench):
    assert len(bench.calls) >= 5
    for at, name in enumerate(bench.calls):
        root = bench.fresh("kill")
        with faults(at, "kill"), pytest.raises(Killed):
            bench.command.run(root)
        with faults():
            bench.check(root, f"killed at {at}, {name}")


@pytest.mark.parametrize("how", ["error", "full"])
def test_a_system_error_at_any_call(bench, how):
    for at, name in enumerate(bench.calls):
        if how == "full" and name not in ROOM:
            continue
        where = f"{how} at {at}, {name}"
        root = bench.fresh(how)
        try:
            with faults(at, how):
                bench.command.run(root)
        except StoreError as error:
            assert error.hint, where
        else:
            # A touch or the removal of an empty folder may fail, and the folder of the lock is there already.
            collected = name == "open" and bench.command in (COMMANDS["gc"], COMMANDS["gc of a state"])
            assert name in ("utime", "rmdir", "mkdir") or collected, where
            if collected:  # it was opened to remove an empty folder, and every file is gone
                assert not gc.collect(Store.open(root), expire_now=True).files, where
            assert state(root) == bench.new, where
        with faults():
            bench.check(root, where)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_really_killed_at_every_third_call(bench):
    for at in range(0, len(bench.calls), 3):
        root = bench.fresh("exit")
        child = os.fork()
        if child == 0:  # pragma: no cover
            try:
                with faults(at, "exit"):
                    bench.command.run(root)
            finally:
                os._exit(1)
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == 9
        with faults():
            bench.check(root, f"SIGKILL at {at}, {bench.calls[at]}")


def test_a_full_disk_is_named(place):
    two_frames(place / "frames")
    with faults(0, "full"), pytest.raises(StoreError, match=r"disk is full.*Free some space"):
        push(Store.open(place / "frames"), "main", "gamma")
