"""Opening the stack that a command means."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from skillstack.cli import render

if TYPE_CHECKING:
    from skillstack.api import Stack


def open_stack(store: str | None, stack: str | None) -> Stack:
    """The stack, for reading; says so where it is the one inside the package."""
    from skillstack.api import Stack

    opened = Stack.open(store, stack)
    if opened.packaged:
        what = "the reference stack that comes with the package."
        render.note(f"This is {what}" if stack else f"There is no store here: this is {what}")
    return opened


def store_folder(store: str | None) -> Path:
    """Where the store is, or would be made; nothing is made or read but its record."""
    from skillstack.errors import SkillStackError

    try:
        from skillstack.store.locate import find_store

        found = find_store(store)
        if not found.packaged:
            return found.store.root
    except (ImportError, SkillStackError):  # none yet, or no numpy to read one with
        pass
    return Path(store or os.environ.get("SKILLSTACK_STORE") or Path.cwd() / "frames")
