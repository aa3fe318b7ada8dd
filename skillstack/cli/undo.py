"""``skillstack undo``."""

from __future__ import annotations

import click

from skillstack.cli.command import command
from skillstack.cli.opening import open_stack


@command("skillstack undo --dry-run", "skillstack undo", "skillstack redo")
@click.option("--dry-run", is_flag=True, help="Only say what would change.")
def undo(dry_run: bool, store: str | None, stack: str | None, as_json: bool) -> None:
    """Take back the latest change of the stack. Nothing is deleted; `redo` brings it back."""
    from skillstack.cli.changes import show_change

    opened = open_stack(store, stack)
    show_change("undo", opened, opened.undo(dry_run=dry_run), dry_run=dry_run, as_json=as_json)
