"""Changing a stack: push, replace, undo, redo. Files first, then the history line, then the tip."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Literal

from skillstack.errors import BusyError, IntegrityError, StoreError, UsageError
from skillstack.store import files, samples
from skillstack.store.fields import check_name
from skillstack.store.files import commit_lock
from skillstack.store.history import History, HistoryStep, Transaction, path_of, read_history, read_steps
from skillstack.store.records import FrameRecord, Node
from skillstack.store.store import REFERENCE, Store


def push(
    store: Store,
    stack: str,
    content: FrameRecord,
    *,
    transaction: str,
    note: str,
    expected: str | None,
    reference: bool = False,
) -> str:
    """Put a frame on a stack; its files must be in the store. Returns the new node's id.

    :param transaction: steps of one transaction in a row are undone together.
    :param expected: the tip that the caller built on.
    :param reference: allows changing the stack that ships with the package.
    :raises BusyError: if the tip moved meanwhile.
    :raises UsageError: if a skill of this name is on the stack already.
    :raises StoreError: if the stack is read-only or the disk fails; nothing has changed then.
    """
    check_changeable(store, stack, reference=reference)
    taken = {skill.name for _, node in store.walk(expected) for skill in store.content(node.content).skills}
    for skill in content.skills:
        if skill.name in taken:
            raise UsageError(
                f"The stack {stack!r} has a skill {skill.name!r} already.",
                "Choose another name.",
            )
    node_id = store.put_node(Node(store.put_content(content), expected))
    move(
        store,
        stack,
        "push",
        node_id,
        expected=expected,
        transaction=transaction,
        note=note,
        reference=reference,
    )
    return node_id


def rebuild(
    store: Store, stack: str, contents: Sequence[str], *, transaction: str, note: str, expected: str | None
) -> str | None:
    """Make a stack hold just these frame records, oldest first; returns the new tip.

    Records stay as they are; frames above a changed place get new nodes.

    :param contents: ids of frame records in the store.
    :param expected: the tip that the caller built on.
    :raises BusyError: if the tip moved meanwhile.
    :raises UsageError: if two of them have a skill of one name.
    :raises StoreError: if the stack is read-only or the disk fails; nothing has changed then.
    """
    check_changeable(store, stack)
    names = [skill.name for content in contents for skill in store.content(content).skills]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise UsageError(f"Two frames would have a skill {twice!r}.", "A stack holds each skill once.")
    tip = None
    for content in contents:
        tip = store.put_node(Node(content, tip))
    move(store, stack, "replace", tip, expected=expected, transaction=transaction, note=note)
    return tip


def move(
    store: Store,
    stack: str,
    action: Literal["push", "replace"],
    after: str | None,
    *,
    expected: str | None,
    transaction: str,
    note: str,
    reference: bool = False,
) -> None:
    """Point a stack at a node whose files are in the store, as one step of its history.

    :raises BusyError: if the tip moved meanwhile.
    :raises StoreError: if the stack is read-only, the disk fails, or a garbage collection has taken a file;
        nothing has changed then.
    """
    check_changeable(store, stack, reference=reference)
    with commit_lock(store.root):
        if store.tip(stack) != expected:
            raise BusyError(
                f"The stack {stack!r} was changed by another command meanwhile.", "Run this command again."
            )
        if after != expected:
            # A garbage collection may have run since the files were written.
            _check_complete(store, after, action)
            _step(store, stack, action, expected, after, transaction, note)


def undo(store: Store, stack: str, *, dry_run: bool = False) -> Transaction:
    """Revert the latest transaction that is not undone yet; returns it.

    :raises UsageError: if there is nothing to undo.
    :raises StoreError: if a garbage collection has taken what it would bring back.
    """
    return _revert(store, stack, "undo", dry_run)


def redo(store: Store, stack: str, *, dry_run: bool = False) -> Transaction:
    """Restore the transaction undone last; returns it.

    :raises UsageError: if there is nothing to redo.
    :raises StoreError: if a garbage collection has taken what it would bring back.
    """
    return _revert(store, stack, "redo", dry_run)


def _revert(store: Store, stack: str, action: Literal["undo", "redo"], dry_run: bool) -> Transaction:
    if dry_run:
        return _target(store, read_history(store, store.check_stack(stack)), stack, action)
    check_changeable(store, stack)
    store.check_stack(stack)
    with commit_lock(store.root):
        transaction = _target(store, read_history(store, stack), stack, action)
        after = transaction.before if action == "undo" else transaction.after
        _step(store, stack, action, store.tip(stack), after, transaction.id, f"{action}: {transaction.note}")
    return transaction


def _target(store: Store, history: History, stack: str, action: str) -> Transaction:
    candidates = history.done if action == "undo" else history.undone
    if not candidates:
        raise UsageError(
            f"There is nothing to {action} on the stack {stack!r}.", "`skillstack log` shows it."
        )
    transaction = candidates[-1]
    what = f"{action} {transaction.note!r}"
    _check_complete(store, transaction.before if action == "undo" else transaction.after, what)
    return transaction


def _check_complete(store: Store, node_id: str | None, action: str) -> None:
    """Refuse to point a tip at a chain of which anything is gone.

    :param action: in words.
    """
    try:
        for _, node in store.walk(node_id):
            content = store.content(node.content)
            for relative in content.files:
                if not samples.is_there(store.root, relative):
                    raise IntegrityError(f"Of {content.name!r}, {store.root / relative} is missing.")
    except IntegrityError as error:
        raise StoreError(
            f"Cannot {action}: {error.message}",
            "A garbage collection has removed it; train it again, or restore it from a copy of the store.",
        ) from error


def _step(
    store: Store, stack: str, action: str, before: str | None, after: str | None, transaction: str, note: str
) -> None:
    sequence = len(read_steps(store, stack))
    step = HistoryStep(sequence, transaction, action, before, after, int(time.time()), note)
    files.append_line(path_of(store, stack), step.to_bytes())
    store.set_tip(stack, after, sequence + 1)


def check_changeable(store: Store, stack: str, *, reference: bool = False) -> None:
    """See that a stack may be changed.

    :param reference: allows the stack that ships with the package.
    :raises StoreError: if it may not.
    """
    check_name(stack, "The stack")
    store.check_writable()
    if stack == REFERENCE and not reference:
        raise StoreError(
            "The stack 'reference' ships with the package and is for reading only.",
            "Name another stack with --stack.",
        )
