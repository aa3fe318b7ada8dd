"""``skillstack import``: a stack from a file."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from skillstack.cli.command import Invocation, command
from skillstack.cli.console import short, wrapped
from skillstack.errors import UsageError
from skillstack.wording import many


@command(
    "skillstack import support.zip",
    "skillstack import support.zip --as support-2",
    "skillstack undo --stack support-2    # takes it back",
)
@click.argument("file", metavar="FILE")
@click.option("--as", "name", metavar="NAME", help="Name of the stack here. Default: its name in the file.")
def import_(call: Invocation, file: str, name: str | None) -> None:
    """Import a stack from a file that `skillstack export` wrote.

    Everything is checked before anything is written. Digests prove that nothing was altered by accident, not
    who wrote it: import only what you trust.
    """
    if call.stack is not None and name is not None and call.stack != name:
        raise UsageError("--stack and --as give two names.", "Leave --stack out; --as names the stack.")
    from skillstack.library import Library

    before = call.current()
    done = Library(call.store).import_stack(Path(file).expanduser(), name=name or call.stack)

    def words() -> list[str]:
        added = f"; {many(done.written, 'missing file')} added" if done.written else ""
        what = "imported" if done.new else f"is here already{added}"
        lines = [f"{done.stack}: {many(done.frames, 'frame')}, tip {short(done.tip)}, {what}."]
        if done.redacted:
            lines += wrapped(
                f"The file leaves out {many(done.redacted, 'text')} of the router's samples: the router "
                "works, and cannot be fitted again, which a new frame would need.",
                rest="",
            )
        if not done.router:
            lines.append("The file holds no router state that fits; it is fitted from the samples.")
        return [*lines, *call.now_current(before, done.stack)]

    def document() -> dict[str, Any]:
        found = asdict(done)
        left_out, _ = found.pop("redacted"), found.pop("current")
        return {**found, "texts_kept_back": left_out}

    call.answer(document, words)
