"""Changes of a stack in words: its history, and what an undo or redo does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from skillstack.cli import render
from skillstack.cli.words import columns, short, shorten
from skillstack.errors import IntegrityError
from skillstack.store.history import History, Transaction
from skillstack.store.stacks import names_of
from skillstack.store.store import Store
from skillstack.wording import many

if TYPE_CHECKING:
    from skillstack.api import Stack


@dataclass(frozen=True)
class Change:
    """What a move of the tip does.

    :ivar tip: the tip that it leaves.
    :ivar removed: names of the frames that the stack loses, newest first.
    :ivar restored: names of the frames that it gains, newest first.
    """

    tip: str | None
    removed: tuple[str, ...]
    restored: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """As undo and redo show it."""
        return {"tip": self.tip, "removed": list(self.removed), "restored": list(self.restored)}


def change(store: Store, before: str | None, after: str | None) -> Change:
    """What moving the tip from one node to another does. Works on a chain that is damaged below, too.

    A frame is the same wherever it stands: one that only got another parent was neither lost nor gained.
    """
    old, new = _names(store, before), _names(store, after)
    return Change(
        after,
        tuple(name for node, name in old.items() if node not in new),
        tuple(name for node, name in new.items() if node not in old),
    )


def _names(store: Store, tip: str | None) -> dict[str, str]:
    """Names of a chain's frames by the ids of their contents, newest first."""
    names: dict[str, str] = {}
    try:
        for node_id, node in store.walk(tip):
            names[node_id] = f"(damaged) {short(node_id)}"
            names[node.content] = store.content(node.content).name
            del names[node_id]
    except IntegrityError:
        pass  # an undo must show what it can just where something is broken
    return names


def show_change(
    verb: Literal["undo", "redo"], opened: Stack, transaction: Transaction, *, dry_run: bool, as_json: bool
) -> None:
    """Say what an undo or redo did, or would do."""
    tips = transaction.before, transaction.after
    changed = change(opened.store, *(tips if verb == "redo" else tips[::-1]))
    if as_json:
        value = {"stack": opened.name, "transaction": transaction.id, "note": transaction.note}
        render.document({**value, "dry_run": dry_run, **changed.to_json()})
        return
    ends = names_of(transaction, verb)
    if ends is not None and ends[0] == opened.name:
        render.out("\n".join(rename_words(verb, transaction, changed, *ends, dry_run=dry_run)))
    else:
        render.out("\n".join(change_words(verb, transaction, changed, dry_run=dry_run)))


def rename_words(
    verb: str, transaction: Transaction, change: Change, loser: str, gainer: str, *, dry_run: bool
) -> list[str]:
    """What an undo or redo of a rename did, or would do, for the name that the frames leave."""
    would, called = ("would ", "would be called") if dry_run else ("", "is called")
    return [
        f"{would}{verb}: {transaction.note}",
        f"  the stack {loser} {called} {gainer} again",
        f"  with {_list(change.removed)}",
    ]


def change_words(verb: str, transaction: Transaction, change: Change, *, dry_run: bool) -> list[str]:
    """What an undo or redo did, or would do."""
    would = "would " if dry_run else ""
    lines = [f"{would}{verb}: {transaction.note}"]
    for action, names in (("remove", change.removed), ("restore", change.restored)):
        if names:
            lines.append(f"  {would}{action if dry_run else f'{action}d'} {_list(names)}")
    tip = f"the tip {'would be' if dry_run else 'is'} {short(change.tip)}"
    lines.append(f"  {tip}" if change.tip else f"  the stack {'would be' if dry_run else 'is'} empty")
    return lines


def _list(names: Sequence[str]) -> str:
    return f"{many(len(names), 'frame')}: {', '.join(names[:12])}{', ...' if len(names) > 12 else ''}"


def history_json(history: History) -> list[dict[str, Any]]:
    """Transactions, newest first."""
    return [
        {
            "id": transaction.id,
            "before": transaction.before,
            "after": transaction.after,
            "steps": transaction.steps,
            "time": transaction.time,
            "note": transaction.note,
            "undone": undone,
        }
        for transaction, undone in _newest_first(history)
    ]


def history_words(stack: str, history: History) -> list[str]:
    """Transactions, newest first: when, what, from which tip to which."""
    rows = [
        [
            _when(transaction.time),
            f"{short(transaction.before)} -> {short(transaction.after)}",
            many(transaction.steps, "step"),
            f"{'(undone) ' if undone else ''}{shorten(transaction.note, 60)}",
        ]
        for transaction, undone in _newest_first(history)
    ]
    total = many(len(rows), "change")
    return [f"{stack}: {total}, {len(history.undone)} of them undone", "", *columns(rows)]


def _newest_first(history: History) -> list[tuple[Transaction, bool]]:
    undone = [(transaction, True) for transaction in history.undone]
    return undone + [(transaction, False) for transaction in reversed(history.done)]


def _when(time: object) -> str:
    try:
        return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M UTC")  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError, OSError):
        return "at an unknown time"
