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
from skillstack.store import files, transactions
from skillstack.store.bundle_reader import TRANSACTION, check_new_name
from skillstack.store.files import Patience, no_patience, training_lock
from skillstack.store.history import History, Transaction, read_history
from skillstack.store.store import REFERENCE, Store

_COPY, _DELETE, _RENAME = "copy:", "delete:", "rename:"
_HINT = "Choose another name; `skillstack stacks` lists those that are taken."


def copy(
    store: Store, old: str, new: str, *, router: Mapping[Path, bytes], patience: Patience = no_patience
) -> str:
    """Give the frames of a stack a second name; returns the tip.

    :param router: files of the router's state, by the place where the new name looks for them.
    :param patience: with a training of a stack of the new name.
    :raises UsageError: if there is no such stack, it is empty, or the new name is taken.
    :raises StoreError: if the store is for reading only.
    """
    tip = _frames_of(store, old)
    _check_free(store, new)
    with training_lock(store.root, new, patience):
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

    A name that was used otherwise since the rename is left as it is.

    :raises UsageError: if there is nothing to undo or redo, or frames would be left without a name, because
        the name that they had is in use again.
    :raises StoreError: if a garbage collection has taken what it would bring back.
    """
    step = transactions.undo if action == "undo" else transactions.redo
    found = step(store, stack, dry_run=True)
    ends = names_of(found, action)
    if ends is None:
        return found if dry_run else step(store, stack)
    loser, gainer = ends
    histories = {name: read_history(store, name) for name in ends}
    steps = [name for name in (gainer, loser) if _is_latest(found, histories[name], action)]
    # Killed between its two steps, it was done for the gainer already.
    gained = gainer in steps or _is_latest(found, histories[gainer], "redo" if action == "undo" else "undo")
    if gainer not in steps and not _has(store, gainer, found.before or found.after):
        raise _in_use(store, loser, gainer)
    if not dry_run:
        # The name that gains the frames comes first, so that at any instant one has them.
        for name in steps:
            step(store, name)
        if gained and loser in steps:
            _follow(store, loser, gainer)
    return found


def names_of(transaction: Transaction, action: str) -> tuple[str, str] | None:
    """The names that lose and gain the frames when a rename is undone or redone; None for another change."""
    if not transaction.id.startswith(_RENAME):
        return None
    _, old, new, _ = transaction.id.split(":")
    return (new, old) if action == "undo" else (old, new)


def way_back(store: Store, name: str) -> Literal["undo", "redo"] | None:
    """What brings an empty stack its frames back; None where it never had any."""
    history = read_history(store, name)
    if history.done:
        return "undo"  # it was deleted, renamed, or emptied by another change
    return "redo" if history.undone else None


def _is_latest(transaction: Transaction, history: History, action: str) -> bool:
    latest = _latest(history, action)
    return latest is not None and latest.id == transaction.id


def _has(store: Store, name: str, node_id: str | None) -> bool:
    """Whether a stack has this node, and thereby all below it."""
    return store.tip(name) == node_id or any(found == node_id for found, _ in store.chain(name))


def _in_use(store: Store, loser: str, gainer: str) -> UsageError:
    if store.tip(gainer) is None:
        return UsageError(
            f"The name {gainer!r} was used for other frames since.",
            f"It is free: `skillstack stacks rename {loser} {gainer}` gives it to the frames of {loser!r}.",
        )
    return UsageError(
        f"The name {gainer!r} is in use again, so the frames of {loser!r} cannot go back to it.",
        f"`skillstack stacks rename {gainer} OTHER`, then `skillstack stacks rename {loser} {gainer}`.",
    )


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
    if latest is None or not latest.id.startswith(f"{_RENAME}{old}:{new}:"):
        return None
    # Where the old name took its half, the rename was whole, and has its frames from elsewhere now.
    whole = any(step.transaction == latest.id for step in read_history(store, old).steps)
    return None if whole else latest.id


def _put_router(router: Mapping[Path, bytes]) -> None:
    for path, data in router.items():
        files.write_new(path, data)


def _move(
    store: Store, name: str, before: str | None, after: str | None, transaction: str, note: str
) -> None:
    action: Literal["push", "replace"] = "push" if before is None else "replace"
    transactions.move(store, name, action, after, expected=before, transaction=transaction, note=note)


def _follow(store: Store, old: str, new: str) -> None:
    """Have commands mean the stack under its new name where they meant it under the old one."""
    if store.head_stack() == old:
        store.set_head_stack(new)
