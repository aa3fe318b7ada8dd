"""``skillstack log``."""

from __future__ import annotations

import click

from skillstack.cli import render
from skillstack.cli.command import command
from skillstack.cli.opening import open_stack


@command("skillstack log", "skillstack log --json", "skillstack log --history")
@click.option("--history", is_flag=True, help="List the changes of the stack instead of its frames.")
def log(history: bool, store: str | None, stack: str | None, as_json: bool) -> None:
    """Draw the stack, from the newest frame to the oldest."""
    opened = open_stack(store, stack)
    if history:
        from skillstack.cli.changes import history_json, history_words

        record = opened.history()
        if as_json:
            render.document({"stack": opened.name, "transactions": history_json(record)})
        else:
            render.out("\n".join(history_words(opened.name, record)))
        return
    frames = opened.frames()
    if as_json:
        render.document({"stack": opened.name, "frames": [frame.to_json() for frame in frames]})
        return
    from skillstack.cli.chain import chain_words
    from skillstack.cli.emptiness import empty_hint

    hint = "" if frames else empty_hint(opened.store, opened.name)
    render.out("\n".join(chain_words(opened.name, frames, str(opened.store.root), hint=hint)))
