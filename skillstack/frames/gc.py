"""Garbage collection: removing what no stack, no recent undo and no training under way needs."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from skillstack.errors import BusyError, IntegrityError
from skillstack.frames import atomic
from skillstack.frames.history import read_history
from skillstack.frames.locks import commit_lock, is_training
from skillstack.frames.store import Store

#: Seconds for which what no stack needs any more is kept, so that undo works: two weeks.
GRACE = 14 * 24 * 3600
#: Removed in this order. A node without its content would look like damage; a content without a node is only
#: garbage. So a crash in between leaves garbage and never a broken chain.
_FOLDERS = ("nodes", "contents", "adapters", "heads", "samples", "canaries", "evaluations")


@dataclass(frozen=True)
class Garbage:
    """What a collection removes, or would.

    :ivar files: paths relative to the store.
    :ivar bytes: their size together.
    :ivar undos: transactions that can no longer be undone or redone afterwards.
    """

    files: tuple[str, ...]
    bytes: int
    undos: int


def collect(
    store: Store, *, dry_run: bool = True, expire_now: bool = False, rebuildable: Sequence[Path] = ()
) -> Garbage:
    """Find, and unless ``dry_run`` remove, what nothing needs.

    :param expire_now: do not keep two weeks of undo.
    :param rebuildable: files of higher layers that nothing needs and that can be made again, such as router
        states of old tips.
    :raises BusyError: with ``expire_now`` while a training is under way, whose files no stack names yet.
    :raises IntegrityError: if the store is damaged: what is reachable cannot be told then.
    """
    store.check_writable()
    with contextlib.nullcontext() if dry_run else commit_lock(store.root):
        if expire_now and is_training(store.root):
            raise BusyError("A training is under way in this store.", "Wait until it has ended.")
        horizon = time.time() + 1 if expire_now else time.time() - GRACE
        needed, undos = _needed(store, horizon)
        garbage = [path for path in _candidates(store) if _name(store, path) not in needed]
        garbage += rebuildable
        # A young file may belong to a command that has not committed yet, and one from the future tells that
        # the clock was set back: both stay.
        expired = [path for path in garbage if expire_now or path.stat().st_mtime < horizon]
        result = Garbage(
            tuple(_name(store, path) for path in expired), sum(path.stat().st_size for path in expired), undos
        )
        if not dry_run:
            for path in expired:
                atomic.remove_file(path)
                with contextlib.suppress(OSError):
                    path.parent.rmdir()  # an adapter's folder, once its last file is gone
    return result


def _name(store: Store, path: Path) -> str:
    return path.relative_to(store.root).as_posix() if path.is_relative_to(store.root) else str(path)


def _candidates(store: Store) -> Iterator[Path]:
    for folder in _FOLDERS:
        yield from sorted(path for path in (store.root / folder).rglob("*") if path.is_file())
    yield from sorted(p for p in (store.root / "work").rglob("*") if p.is_file() and p.suffix != ".lock")
    for folder in ("stacks", "history", "."):
        yield from sorted((store.root / folder).glob(f"{atomic.TEMPORARY}*"))


def _needed(store: Store, horizon: float) -> tuple[set[str], int]:
    """Paths to keep, and how many transactions lose what they would bring back."""
    marked = _Marked(store)
    histories = [read_history(store, stack) for stack in store.stacks()]
    for stack in store.stacks():
        marked.mark(store.tip(stack))
    for history in histories:
        # The time of an undo counts as well as that of what it undid.
        recent = [step for step in history.steps if step.time >= horizon]
        for end in {end for step in recent for end in (step.before, step.after)}:
            # What an earlier collection took is gone; that is no damage.
            with contextlib.suppress(IntegrityError):
                marked.mark(end)
    for path in (store.root / "evaluations").glob("*.json"):
        if path.name.split("-")[0] in marked.behaviours:
            marked.paths.add(_name(store, path))
    lost = 0
    for history in histories:
        for transaction in (*history.done, *history.undone):
            ends = [end for end in (transaction.before, transaction.after) if end is not None]
            lost += any(f"nodes/{end}.json" not in marked.paths for end in ends)
    return marked.paths, lost


@dataclass
class _Marked:
    """What is reachable so far."""

    store: Store
    paths: set[str] = field(default_factory=set)
    behaviours: set[str] = field(default_factory=set)

    def mark(self, root: str | None) -> None:
        for node_id, node in self.store.walk(root):
            if f"nodes/{node_id}.json" in self.paths:
                return
            content = self.store.content(node.content)
            self.paths.add(f"nodes/{node_id}.json")
            self.paths.add(f"contents/{node.content}.json")
            self.paths.update(content.files)
            self.behaviours.update(content.behaviour(skill) for skill in content.skills)
