"""Garbage collection: removing what no stack, no recent undo and no training under way needs.

It removes what it knows by name in the folders of the store (`removal.KNOWN`), and nothing behind a link.
"""

from __future__ import annotations

import contextlib
import stat
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from skillstack.errors import BusyError, StoreError
from skillstack.store import derived, removal, samples
from skillstack.store.files import commit_lock, is_training
from skillstack.store.history import read_history
from skillstack.store.store import Store

#: Seconds for which what no stack needs any more is kept, so that undo works: two weeks.
GRACE = 14 * 24 * 3600

#: Removed in this order. A node without its content would look like damage; a content without a node is only
#: garbage. So a crash in between leaves garbage and never a broken chain.
_FOLDERS = (
    "nodes",
    "contents",
    "adapters",
    "heads",
    "states",
    "samples",
    "learned",
    "canaries",
    "evaluations",
)


@dataclass(frozen=True)
class Garbage:
    """The files that a collection removes, or would remove.

    :ivar files: paths relative to the store.
    :ivar bytes: their size together.
    :ivar undos: transactions that can no longer be undone or redone afterwards.
    :ivar links: folders of the store that are links. What lies behind them is left alone.
    """

    files: tuple[str, ...]
    bytes: int
    undos: int
    links: tuple[str, ...] = ()


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
        needed, undos = _needed(store, horizon, keep_young=not expire_now)
        found = _candidates(store)
        links = [*found.links, *removal.find(store.routers, removal.KNOWN["routers"]).links]
        garbage = [path for path in found.files if store.relative(path) not in needed]
        garbage += rebuildable
        sizes = {path: size for path in garbage if (size := _expired(path, expire_now, horizon)) is not None}
        expired = list(sizes)
        if not dry_run:
            _remove(store, expired)
        return Garbage(
            tuple(store.relative(path) for path in expired),
            sum(sizes.values()),
            undos,
            tuple(store.relative(path) for path in links),
        )


def _remove(store: Store, files: Sequence[Path]) -> None:
    for path in files:
        base = store.root if path.is_relative_to(store.root) else store.routers.parent
        removal.remove_file(base, path)
        if len(path.relative_to(base).parts) > 2:
            removal.remove_empty(base, path.parent)  # an adapter's folder, once its last file is gone


def _expired(path: Path, expire_now: bool, horizon: float) -> int | None:
    """Size of a file to remove, or None if it stays.

    A young file may belong to a command that has not committed yet, and one from the future tells that the
    clock was set back: both stay.
    """
    try:
        status = path.lstat()
    except FileNotFoundError:
        return None  # a command that writes has just renamed its temporary file
    written = status.st_mtime
    if stat.S_ISLNK(status.st_mode):
        # A command that finds a linked file again touches what it points at.
        with contextlib.suppress(OSError):
            written = max(written, path.stat().st_mtime)
    return status.st_size if expire_now or written < horizon else None


def _candidates(store: Store) -> removal.Removable:
    found = removal.Removable()
    for folder in _FOLDERS:
        found += removal.find(store.root / folder, removal.KNOWN[folder])
        if found.links and folder in ("nodes", "contents"):
            break  # those behind the link stay, and so does what they name
    for folder in (derived.FOLDER, "work", "stacks", "history"):
        found += removal.find(store.root / folder, removal.KNOWN[folder])
    return found + removal.find(store.root, [], own=True)


def _needed(store: Store, horizon: float, *, keep_young: bool) -> tuple[set[str], int]:
    """Paths to keep, and how many transactions lose what they would bring back.

    :param keep_young: keep what young nodes and contents need too, however old it is: a command that has not
        committed yet may have found it in the store.
    """
    marked = _Marked(store)
    histories = [read_history(store, stack) for stack in store.stacks()]
    for stack in store.stacks():
        marked.mark(store.tip(stack), missing_ok=False)
    for history in histories:
        # The time of an undo counts as well as that of what it undid.
        recent = [step for step in history.steps if step.time >= horizon]
        for end in {end for step in recent for end in (step.before, step.after)}:
            marked.mark(end, missing_ok=True)
    if keep_young:
        _mark_young(store, horizon, marked)
    for path in (store.root / "evaluations").glob("*.json"):
        if path.name.split("-")[0] in marked.behaviours:
            marked.paths.add(store.relative(path))
    marked.paths.update(_serving(store, marked.behaviours))
    lost = 0
    for history in histories:
        for transaction in (*history.done, *history.undone):
            ends = [end for end in (transaction.before, transaction.after) if end is not None]
            lost += any(f"nodes/{end}.json" not in marked.paths for end in ends)
    return marked.paths, lost


def _serving(store: Store, behaviours: set[str]) -> Iterator[str]:
    """Derived files of which all frames are needed; those that name none go by their age alone."""
    for path in sorted((store.root / derived.FOLDER).glob("*/*.safetensors")):
        try:
            needs = derived.needed_by(derived.decode(path.read_bytes(), path.stem))
        except (OSError, StoreError):
            continue  # whoever wants it makes it again
        if needs is not None and needs <= behaviours:
            yield store.relative(path)


def _mark_young(store: Store, horizon: float, marked: _Marked) -> None:
    for path in sorted((store.root / "nodes").glob("*.json")):
        if _expired(path, False, horizon) is None:
            marked.mark(path.stem, missing_ok=True)
    for path in sorted((store.root / "contents").glob("*.json")):
        if _expired(path, False, horizon) is None:
            marked.add(path.stem, missing_ok=True)


@dataclass
class _Marked:
    """What is reachable so far."""

    store: Store
    paths: set[str] = field(default_factory=set)
    behaviours: set[str] = field(default_factory=set)

    def mark(self, node_id: str | None, *, missing_ok: bool) -> None:
        """Add a chain and all that it needs.

        :param missing_ok: whether an earlier collection may have taken a part of it. A damaged file never is
            fine: nothing is deleted in a store where what is needed cannot be told.
        """
        while node_id is not None and f"nodes/{node_id}.json" not in self.paths:
            if missing_ok and not (self.store.root / "nodes" / f"{node_id}.json").is_file():
                return
            node = self.store.node(node_id)
            self.paths.add(f"nodes/{node_id}.json")
            self.add(node.content, missing_ok=missing_ok)
            node_id = node.parent

    def add(self, content_id: str, *, missing_ok: bool) -> None:
        if missing_ok and not (self.store.root / "contents" / f"{content_id}.json").is_file():
            return
        content = self.store.content(content_id)
        self.paths.add(f"contents/{content_id}.json")
        self.paths.update(content.files)
        missing = (relative for relative in content.files if samples.is_redacted(self.store.root, relative))
        self.paths.update(f"{relative}{samples.REDACTED_SUFFIX}" for relative in missing)
        self.behaviours.update(content.behaviour(skill) for skill in content.skills)
