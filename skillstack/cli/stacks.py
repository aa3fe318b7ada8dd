"""``skillstack stacks`` and ``skillstack use``: the stacks of a store, listed, named and chosen."""

from __future__ import annotations

import dataclasses

import click

from skillstack.cli.command import Invocation, command
from skillstack.cli.console import short, table
from skillstack.errors import UsageError, did_you_mean
from skillstack.wording import many

#: How many names each action takes.
ACTIONS = {"rename": 2, "copy": 2, "delete": 1}


@command("skillstack use starter8", "skillstack stacks")
@click.argument("name", required=False)
def use(call: Invocation, name: str | None) -> None:
    """Choose the current stack, which commands use when they name none."""
    wanted = name if name is not None else call.stack
    if wanted is None or (call.stack is not None and call.stack != wanted):
        raise UsageError("It is unclear which stack is meant.", "Name one: `skillstack use NAME`.")
    from skillstack.library import Library
    from skillstack.store.locate import store_folder

    chosen = Library(call.store).use(wanted)
    call.answer(
        lambda: {"stack": chosen}, lambda: f"The current stack is now {chosen}, in {store_folder(call.store)}"
    )


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
@click.option("--all", "all_", is_flag=True, help="Also list deleted stacks that can be brought back.")
def stacks(call: Invocation, action: str | None, names: tuple[str, ...], all_: bool) -> None:
    """List the stacks of the store, or rename, copy or delete one.

    A star marks the current stack; --stack lists only that one. Only names are renamed, copied or deleted:
    `undo --stack NAME` takes it back until gc has freed the space.
    """
    if action is None:
        _list(call, all_)
        return
    if action not in ACTIONS:
        raise UsageError(f"There is no action {action[:80]!r} on stacks.", did_you_mean(action, ACTIONS))
    if len(names) != ACTIONS[action] or call.stack is not None or all_:
        wanted = "NAME" if ACTIONS[action] == 1 else "NAME NEW"
        raise UsageError(f"{action} takes {wanted}.", f"`skillstack stacks {action} {wanted}`")
    _change(call, action, names)


def _change(call: Invocation, action: str, names: tuple[str, ...]) -> None:
    from skillstack.library import Library

    library = Library(call.store)
    old, new = names[0], names[-1]
    if action == "delete":
        tip = library.delete(old)
        said, then = f"The stack {old} is deleted", f"`{call.line('undo', '--stack', old)}` brings it back."
    elif action == "rename":
        tip = library.rename(old, new)
        said, then = (
            f"The stack {old} is called {new} now",
            f"`{call.line('undo', '--stack', new)}` takes it back.",
        )
    else:
        tip = library.copy(old, new)
        said, then = (
            f"The stack {old} is copied to {new}",
            f"`{call.line('use', new)}` makes it the current stack.",
        )
    call.answer(
        lambda: {"action": action, "stack": old, "new": None if action == "delete" else new, "tip": tip},
        lambda: [f"{said}; its tip is {short(tip)}.", then],
    )


def _list(call: Invocation, all_: bool) -> None:
    from skillstack.library import Library

    library = Library(call.store)
    found = library.list(deleted=all_)
    if call.stack is not None:
        names = [info.name for info in found]
        found = [info for info in found if info.name == call.stack]
        if not found:
            raise UsageError(f"There is no stack {call.stack[:80]!r}.", did_you_mean(call.stack, names))

    def words() -> list[str]:
        if not found:
            return ["There are no stacks yet; `skillstack train --preset starter8` makes one."]
        rows = [
            [
                f"{'*' if info.current else ' '} {info.name}",
                many(info.frames, "frame"),
                short(info.tip),
                "deleted" if info.deleted else "read-only" if info.read_only else "",
            ]
            for info in found
        ]
        return [*table([], rows, left=range(4), indent=0), f"in {library.store.root}"]

    call.answer(lambda: {"stacks": [dataclasses.asdict(info) for info in found]}, words)
