"""``skillstack redo``."""

from __future__ import annotations

import click

from skillstack.cli import render
from skillstack.cli.command import command
from skillstack.cli.opening import open_stack


@command("skillstack redo --dry-run", "skillstack redo")
@click.option("--dry-run", is_flag=True, help="Only say what would change.")
def redo(dry_run: bool, store: str | None, stack: str | None, as_json: bool) -> None:
    """Bring back what was undone last."""
    from skillstack.cli.changes import change, change_words

    opened = open_stack(store, stack)
    transaction = opened.redo(dry_run=dry_run)
    changed = change(opened.store, transaction.before, transaction.after)
    if as_json:
        value = {"stack": opened.name, "transaction": transaction.id, "note": transaction.note}
        render.document({**value, "dry_run": dry_run, **changed.to_json()})
    else:
        render.out("\n".join(change_words("redo", transaction, changed, dry_run=dry_run)))
