"""Opening the stack that a command means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skillstack.cli import render

if TYPE_CHECKING:
    from skillstack.api import Stack


def open_stack(store: str | None, stack: str | None) -> Stack:
    """The stack, for reading; says so where it is the one inside the package."""
    from skillstack.api import Stack

    opened = Stack.open(store, stack)
    if opened.packaged:
        render.note("There is no store here: this is the reference stack that comes with the package.")
    return opened
