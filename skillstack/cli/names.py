"""Names that a shell completes: presets, tasks, stacks, frames. None of it loads a model's library."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import click
from click.shell_completion import CompletionItem


class Name(click.types.StringParamType):
    """A text, with the names that it may be.

    :param known: lists them; asked only when a shell completes, and quiet about any failure.
    """

    def __init__(self, known: Callable[[click.Context], Iterable[str]]) -> None:
        self._known = known

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The names that begin so."""
        try:
            return [CompletionItem(name) for name in self._known(ctx) if name.startswith(incomplete)]
        except Exception:  # a message in the middle of typing would help nobody
            return []


class Place(click.types.StringParamType):
    """A text that names a file or a folder; the shell knows which there are.

    :param kind: ``file`` or ``dir``.
    """

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Left to the shell."""
        return [CompletionItem(incomplete, type=self._kind)]


def _presets(_: click.Context) -> Iterable[str]:
    from skillstack.data.presets import preset_names

    return preset_names()


def _tasks(ctx: click.Context) -> Iterable[str]:
    from pathlib import Path

    from skillstack.data.folder import FolderSource
    from skillstack.data.presets import catalogue

    data_dir = ctx.params.get("data_dir")
    local = FolderSource(Path(data_dir)).names() if data_dir else ()
    return sorted({*catalogue(), *local})


def _models(_: click.Context) -> Iterable[str]:
    return ("minilm", "smollm2")


def _routers(_: click.Context) -> Iterable[str]:
    return ("hybrid_chain", "hybrid_svm")


def _stacks(ctx: click.Context) -> Iterable[str]:
    from skillstack.store.locate import find_store

    return find_store(ctx.params.get("store")).store.stacks()


def _frames(ctx: click.Context) -> Iterable[str]:
    from skillstack.store.locate import choose_stack, find_store

    store = find_store(ctx.params.get("store")).store
    return [content.name for _, content in store.contents(choose_stack(store, ctx.params.get("stack")))]


#: What a parameter of this name is. Those of `use` and `stacks` are stacks.
KINDS: dict[str, Name | Place] = {
    "preset": Name(_presets),
    "tasks": Name(_tasks),
    "model": Name(_models),
    "router": Name(_routers),
    "stack": Name(_stacks),
    "frame": Name(_frames),
    "store": Place("dir"),
    "data_dir": Place("dir"),
    "source": Place("file"),
    "file": Place("file"),
    "output": Place("file"),
    "places": Place("file"),
}
STACK_ARGUMENTS = {("use", "name"), ("stacks", "names")}


def complete_names(command: click.Command) -> None:
    """Have a shell complete the parameters of a command whose names say what they are."""
    for parameter in command.params:
        name = "stack" if (command.name, parameter.name) in STACK_ARGUMENTS else parameter.name
        if name in KINDS and type(parameter.type) is click.types.StringParamType:
            parameter.type = KINDS[name]
