"""Stacks without frames: which command brings them back."""

from __future__ import annotations

from skillstack.store.locate import choose_stack
from skillstack.store.stacks import way_back
from skillstack.store.store import Store

_WHY = {"undo": "brings back what was taken away", "redo": "brings back what was undone"}


def commands_back(store: Store, name: str) -> tuple[tuple[str, str], ...]:
    """The command that brings an empty stack its frames back, and what it does; none where it had none."""
    verb = way_back(store, name)
    if verb is None:
        return ()
    named = "" if name == choose_stack(store) else f" --stack {name}"
    return ((f"skillstack {verb}{named}", _WHY[verb]),)


def empty_hint(store: Store, name: str) -> str:
    """What to do about a stack without frames, in a sentence."""
    for command, what in commands_back(store, name):
        return f"`{command}` {what}."
    return "`skillstack train --preset starter8` trains some."
