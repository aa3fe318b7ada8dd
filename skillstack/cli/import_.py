"""``skillstack import``."""

from __future__ import annotations

from pathlib import Path

import click

from skillstack.cli import render
from skillstack.cli.command import command
from skillstack.errors import UsageError


@command(
    "skillstack import support.zip",
    "skillstack import support.zip --as support-2",
    "skillstack undo --stack support-2    # takes it back",
)
@click.argument("file", metavar="FILE")
@click.option("--as", "name", metavar="NAME", help="The stack's name here; else the one that it had.")
def import_(file: str, name: str | None, store: str | None, stack: str | None, as_json: bool) -> None:
    """Bring a stack in from a file that `skillstack export` wrote.

    All of it is checked before anything is written. Digests prove that nothing was altered by accident, not
    who wrote it: import what you trust.
    """
    if stack is not None and name is not None and stack != name:
        raise UsageError("Two names are given.", "Leave --stack out; --as names the stack.")
    from skillstack.cli.words import short
    from skillstack.stacks import import_stack
    from skillstack.wording import many

    done = import_stack(Path(file).expanduser(), name=name or stack, store=store)
    if as_json:
        render.document(
            {
                "stack": done.stack,
                "tip": done.tip,
                "frames": done.frames,
                "new": done.new,
                "written": done.written,
                "texts": done.texts,
                "texts_kept_back": done.kept_back,
                "router": done.router,
            }
        )
        return
    what = f"{done.stack}: {many(done.frames, 'frame')}, tip {short(done.tip)}"
    if done.new:
        render.out(f"{what}, imported.")
    else:
        added = f"; {many(done.written, 'missing file')} came along" if done.written else ""
        render.out(f"{what}, is here already{added}.")
    if done.kept_back:
        render.out(f"{many(done.kept_back, 'text')} of the router's samples did not come along: the router")
        render.out("works as it is, and cannot be fitted anew, which a new frame would need.")
    if not done.router:
        render.out("No router state that fits came along; it is fitted from the samples that did.")
    if done.new and not done.current:
        render.out(f"`skillstack use {done.stack}` makes it the current stack.")
