"""``skillstack undo`` and ``skillstack redo``: what a move of the tip does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

import click

from skillstack.cli.command import Invocation, command
from skillstack.cli.console import short
from skillstack.errors import IntegrityError
from skillstack.wording import many

if TYPE_CHECKING:
    from skillstack.store.history import Transaction
    from skillstack.store.store import Store


@command("skillstack undo --dry-run", "skillstack undo", "skillstack redo")
@click.option("--dry-run", is_flag=True, help="Only show what would change.")
def undo(call: Invocation, dry_run: bool) -> None:
    """Undo the latest change of the stack. Nothing is deleted; `redo` brings it back."""
    _move("undo", call, dry_run)


@command("skillstack redo --dry-run", "skillstack redo")
@click.option("--dry-run", is_flag=True, help="Only show what would change.")
def redo(call: Invocation, dry_run: bool) -> None:
    """Redo the change that was undone last."""
    _move("redo", call, dry_run)


def _move(verb: Literal["undo", "redo"], call: Invocation, dry_run: bool) -> None:
    opened = call.open()
    transaction = (opened.undo if verb == "undo" else opened.redo)(dry_run=dry_run)
    tips = transaction.before, transaction.after
    changed = change(opened.store, *(tips if verb == "redo" else tips[::-1]))
    emptied = changed.tip is None and not dry_run and opened.name == call.current()
    use = f"  it is still the current stack; `{call.line('use', 'NAME')}` chooses another"
    still = [use] if emptied else []
    value = {"stack": opened.name, "transaction": transaction.id, "note": transaction.note}
    call.answer(
        lambda: {**value, "dry_run": dry_run, **asdict(changed)},
        lambda: [*change_words(verb, opened.name, transaction, changed, dry_run=dry_run), *still],
    )


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


def change_words(
    verb: Literal["undo", "redo"], stack: str, transaction: Transaction, change: Change, *, dry_run: bool
) -> list[str]:
    """What an undo or redo did, or would do."""
    from skillstack.store.stacks import names_of

    would = "would " if dry_run else ""
    lines = [f"{would}{verb}: {transaction.note}"]
    ends = names_of(transaction, verb)
    if ends is not None and ends[0] == stack:  # a rename, seen from the name that the frames leave
        called = f"{'would be' if dry_run else 'is'} called {ends[1]} again"
        return [*lines, f"  the stack {ends[0]} {called}", f"  with {_list(change.removed)}"]
    for action, names in (("remove", change.removed), ("restore", change.restored)):
        if names:
            lines.append(f"  {would}{action if dry_run else f'{action}d'} {_list(names)}")
    tip = f"the tip of {stack} {'would be' if dry_run else 'is'} {short(change.tip)}"
    return [*lines, f"  {tip}" if change.tip else f"  the stack {'would be' if dry_run else 'is'} empty"]


def _list(names: Sequence[str]) -> str:
    return f"{many(len(names), 'frame')}: {', '.join(names[:12])}{', ...' if len(names) > 12 else ''}"
