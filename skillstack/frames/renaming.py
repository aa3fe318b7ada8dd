"""Stacks renamed, copied and deleted. Nodes have no stack's name in them, so only tips move.

A rename is a copy under the new name, then a deletion of the old one: killed in between, both are there, and
the same command goes on. Both histories carry the same transaction, by which undo finds the other half.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from skillstack.errors import StoreError, UsageError
from skillstack.frames import atomic, transactions
from skillstack.frames.history import History, Transaction, read_history
from skillstack.frames.importing import TRANSACTION, check_new_name
from skillstack.frames.locks import training_lock
from skillstack.frames.store import REFERENCE, Store

_COPY, _DELETE, _RENAME = "copy:", "delete:", "rename:"
_HINT = "Choose another name; `skillstack stacks` lists those that are taken."


def copy(store: Store, old: str, new: str, *, router: Mapping[Path, bytes]) -> str:
    """Give the frames of a stack a second name; returns the tip.

    :param router: files of the router's state, by the place where the new name looks for them.
    :raises UsageError: if there is no such stack, it is empty, or the new name is taken.
    :raises StoreError: if the store is for reading only.
    """
    tip = _frames_of(store, old)
    _check_free(store, new)
    with training_lock(store.root, new):
        _put_router(router)
        transaction = f"{_COPY}{old}:{new}:{uuid.uuid4().hex}"
        _move(store, new, None, tip, transaction, f"copy the stack {old}")
    return tip


def rename(store: Store, old: str, new: str, *, router: Mapping[Path, bytes]) -> str:
    """Give a stack another name; returns the tip.

    :raises UsageError: if there is no such stack, it is empty, or the new name is taken.
    :raises StoreError: if the store or the stack is for reading only.
    """
    tip = _frames_of(store, old)
    _check_own(old)
    with training_lock(store.root, old):
        begun = _begun(store, old, new, tip)
        transaction = begun or f"{_RENAME}{old}:{new}:{uuid.uuid4().hex}"
        note = f"rename {old} to {new}"
        if begun is None:
            _check_free(store, new)
            with training_lock(store.root, new):
                _put_router(router)
                _move(store, new, None, tip, transaction, note)
        _move(store, old, tip, None, transaction, note)
    _follow(store, old, new)
    return tip


def delete(store: Store, name: str) -> str:
    """Take a stack from the list; returns the tip that it had. Nothing is removed before a collection.

    :raises UsageError: if there is no such stack, or it is empty.
    :raises StoreError: if the store or the stack is for reading only.
    """
    tip = _frames_of(store, name)
    _check_own(name)
    with training_lock(store.root, name):
        _move(store, name, tip, None, f"{_DELETE}{uuid.uuid4().hex}", f"delete the stack {name}")
    return tip


def is_deleted(store: Store, name: str) -> bool:
    """Whether a stack is empty because it was deleted or renamed, or because its making was undone."""
    if store.tip(name) is not None:
        return False
    history = read_history(store, name)
    if history.done:
        return history.done[-1].id.startswith((_DELETE, _RENAME))
    return bool(history.undone) and history.undone[-1].id.startswith((_COPY, _RENAME, TRANSACTION))


def revert(
    store: Store, stack: str, action: Literal["undo", "redo"], *, dry_run: bool = False
) -> Transaction:
    """Undo or redo the latest change of a stack, a rename under both names.

    :raises UsageError: if there is nothing to undo or redo.
    :raises StoreError: if a garbage collection has taken what it would bring back.
    """
    step = transactions.undo if action == "undo" else transactions.redo
    found = step(store, stack, dry_run=True)
    if dry_run or not found.id.startswith(_RENAME):
        return step(store, stack, dry_run=dry_run)
    _, old, new, _ = found.id.split(":")
    # The name that gains the frames comes first, so that at any instant one has them.
    for name in (old, new) if action == "undo" else (new, old):
        latest = _latest(read_history(store, name), action)
        if name == stack or (latest is not None and latest.id == found.id):
            step(store, name)
    _follow(store, *((new, old) if action == "undo" else (old, new)))
    return found


def _latest(history: History, action: str) -> Transaction | None:
    candidates = history.done if action == "undo" else history.undone
    return candidates[-1] if candidates else None


def _frames_of(store: Store, name: str) -> str:
    tip = store.tip(store.check_stack(name))
    if tip is None:
        raise UsageError(
            f"The stack {name!r} has no frames.", "`skillstack undo --stack NAME` brings a deleted one back."
        )
    store.check_writable()
    return tip


def _check_own(name: str) -> None:
    if name == REFERENCE:
        raise StoreError(
            "The stack 'reference' ships with the package and is for reading only.",
            "`skillstack stacks copy reference NAME` makes one of your own.",
        )


def _check_free(store: Store, new: str) -> None:
    if store.tip(check_new_name(new, _HINT)) is not None:
        raise UsageError(f"There is a stack {new!r} already.", _HINT)


def _begun(store: Store, old: str, new: str, tip: str) -> str | None:
    """The transaction of the same rename, where it was killed between its two halves."""
    check_new_name(new, _HINT)
    if store.tip(new) != tip:
        return None
    latest = _latest(read_history(store, new), "undo")
    return latest.id if latest is not None and latest.id.startswith(f"{_RENAME}{old}:{new}:") else None


def _put_router(router: Mapping[Path, bytes]) -> None:
    for path, data in router.items():
        atomic.write_new(path, data)


def _move(
    store: Store, name: str, before: str | None, after: str | None, transaction: str, note: str
) -> None:
    action: Literal["push", "replace"] = "push" if before is None else "replace"
    transactions.move(store, name, action, after, expected=before, transaction=transaction, note=note)


def _follow(store: Store, old: str, new: str) -> None:
    """Have commands mean the stack under its new name where they meant it under the old one."""
    if store.head_stack() == old:
        store.set_head_stack(new)
