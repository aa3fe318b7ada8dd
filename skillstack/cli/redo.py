"""``skillstack redo``."""

from __future__ import annotations

import click

from skillstack.cli.command import command
from skillstack.cli.opening import open_stack


@command("skillstack redo --dry-run", "skillstack redo")
@click.option("--dry-run", is_flag=True, help="Only say what would change.")
def redo(dry_run: bool, store: str | None, stack: str | None, as_json: bool) -> None:
    """Bring back what was undone last."""
    from skillstack.cli.changes import show_change

    opened = open_stack(store, stack)
    show_change("redo", opened, opened.redo(dry_run=dry_run), dry_run=dry_run, as_json=as_json)
