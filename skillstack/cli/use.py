"""``skillstack use``."""

from __future__ import annotations

import click

from skillstack.cli import render
from skillstack.cli.command import command
from skillstack.errors import UsageError


@command("skillstack use starter8", "skillstack stacks")
@click.argument("name", required=False)
def use(name: str | None, store: str | None, stack: str | None, as_json: bool) -> None:
    """Choose the stack that commands mean when they name none."""
    wanted = name if name is not None else stack
    if wanted is None or (stack is not None and stack != wanted):
        raise UsageError("Which stack is meant is not clear.", "Name one: `skillstack use NAME`.")
    from skillstack.stacks import use as use_stack

    chosen = use_stack(wanted, store)
    if as_json:
        render.document({"stack": chosen})
    else:
        render.out(f"Commands now mean the stack {chosen}.")
