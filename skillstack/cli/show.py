"""``skillstack show``."""

from __future__ import annotations

import click

from skillstack.cli import render
from skillstack.cli.command import command
from skillstack.cli.opening import open_stack
from skillstack.errors import UsageError


@command(
    "skillstack show",
    "skillstack show banking",
    "skillstack show 3f9c2a --json",
    "skillstack show banking --card",
)
@click.argument("frame", required=False)
@click.option("--card", is_flag=True, help="Print the model card of the frame's adapter folder.")
def show(frame: str | None, card: bool, store: str | None, stack: str | None, as_json: bool) -> None:
    """Show all about one frame: by name, by id (six digits or more), or the newest."""
    from skillstack.cli.portrait import frame_json, frame_words, init_name

    opened = open_stack(store, stack)
    frames = opened.frames()
    if frame is None and not frames:
        from skillstack.cli.emptiness import empty_hint

        raise UsageError(f"The stack {opened.name!r} has no frames.", empty_hint(opened.store, opened.name))
    chosen = frames[0] if frame is None else opened.frame(frame)
    if card:
        text = opened.card(chosen)
        if as_json:
            render.document({"stack": opened.name, "frame": chosen.name, "card": text})
        else:
            render.out(text.rstrip("\n"))
        return
    if as_json:
        render.document({"stack": opened.name, "frame": frame_json(opened.store, chosen)})
    else:
        origin = init_name(opened.store, chosen, frames)
        render.out("\n".join(frame_words(opened.name, chosen, opened.store, origin)))
