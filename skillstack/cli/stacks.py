"""``skillstack stacks``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from skillstack.cli import render
from skillstack.cli.command import command
from skillstack.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from skillstack.stacks import StackInfo

#: How many names each action takes.
ACTIONS = {"rename": 2, "copy": 2, "delete": 1}


@command(
    "skillstack stacks",
    "skillstack stacks rename support tickets",
    "skillstack stacks copy reference mine",
    "skillstack stacks delete tickets",
    "skillstack undo --stack tickets      # brings it back",
    "skillstack stacks --all --json",
)
@click.argument("action", required=False, metavar="[rename|copy|delete]")
@click.argument("names", nargs=-1, metavar="[NAME] [NEW]")
@click.option("--all", "all_", is_flag=True, help="List those too that were deleted and can be brought back.")
def stacks(
    action: str | None,
    names: tuple[str, ...],
    all_: bool,
    store: str | None,
    stack: str | None,
    as_json: bool,
) -> None:
    """List the stacks of the store, or rename, copy or delete one.

    A star marks the current stack; --stack lists that one alone. What is renamed, copied or deleted is a
    name: `undo --stack NAME` takes it back until gc has freed the space.
    """
    if action is None:
        _list(store, stack, all_, as_json)
        return
    if action not in ACTIONS:
        raise UsageError(f"There is no action {action[:80]!r} on stacks.", did_you_mean(action, ACTIONS))
    if len(names) != ACTIONS[action] or stack is not None or all_:
        wanted = "NAME" if ACTIONS[action] == 1 else "NAME NEW"
        raise UsageError(f"{action} takes {wanted}.", f"`skillstack stacks {action} {wanted}`")
    _change(action, names, store, as_json)


def _change(action: str, names: tuple[str, ...], store: str | None, as_json: bool) -> None:
    from skillstack import stacks as whole
    from skillstack.cli.words import short

    old, new = names[0], names[-1]
    if action == "delete":
        tip = whole.delete(old, store)
        text, then = f"deleted {old}", f"`skillstack undo --stack {old}` brings it back."
    elif action == "rename":
        tip = whole.rename(old, new, store)
        text, then = f"renamed {old} to {new}", f"`skillstack undo --stack {new}` takes it back."
    else:
        tip = whole.copy(old, new, store)
        text, then = f"copied {old} to {new}", f"`skillstack use {new}` makes it the current stack."
    if as_json:
        render.document(
            {"action": action, "stack": old, "new": None if action == "delete" else new, "tip": tip}
        )
    else:
        render.out(f"{text}, tip {short(tip)}\n{then}")


def _list(store: str | None, stack: str | None, all_: bool, as_json: bool) -> None:
    from skillstack.cli.words import columns, short
    from skillstack.stacks import stacks as list_stacks
    from skillstack.wording import many

    found = list_stacks(store, deleted=all_)
    if stack is not None:
        names = [info.name for info in found]
        found = [info for info in found if info.name == stack]
        if not found:
            raise UsageError(f"There is no stack {stack[:80]!r}.", did_you_mean(stack, names))
    if as_json:
        render.document({"stacks": [_row(info) for info in found]})
        return
    if not found:
        render.out("There are no stacks yet; `skillstack train --preset starter8` makes one.")
        return
    table = [
        [
            f"{'*' if info.current else ' '} {info.name}",
            many(info.frames, "frame"),
            short(info.tip),
            "deleted" if info.deleted else "read-only" if info.read_only else "",
        ]
        for info in found
    ]
    render.out("\n".join(columns(table)))


def _row(info: StackInfo) -> dict[str, Any]:
    return {
        "name": info.name,
        "frames": info.frames,
        "tip": info.tip,
        "current": info.current,
        "read_only": info.read_only,
        "deleted": info.deleted,
    }
