"""``skillstack stacks``."""

from __future__ import annotations

from skillstack.cli import render
from skillstack.cli.command import command
from skillstack.errors import UsageError, did_you_mean


@command("skillstack stacks", "skillstack stacks --json")
def stacks(store: str | None, stack: str | None, as_json: bool) -> None:
    """List the stacks of the store; a star marks the current one. --stack lists that one alone."""
    from skillstack.api import stacks as list_stacks
    from skillstack.cli.words import columns, many, short

    found = list_stacks(store)
    if stack is not None:
        names = [info.name for info in found]
        found = [info for info in found if info.name == stack]
        if not found:
            raise UsageError(f"There is no stack {stack[:80]!r}.", did_you_mean(stack, names))
    if as_json:
        rows = [
            {
                "name": info.name,
                "frames": info.frames,
                "tip": info.tip,
                "current": info.current,
                "read_only": info.read_only,
            }
            for info in found
        ]
        render.document({"stacks": rows})
        return
    if not found:
        render.out("There are no stacks yet; `skillstack train --preset starter8` makes one.")
        return
    table = [
        [
            f"{'*' if info.current else ' '} {info.name}",
            many(info.frames, "frame"),
            short(info.tip),
            "read-only" if info.read_only else "",
        ]
        for info in found
    ]
    render.out("\n".join(columns(table)))
