"""What every command has: --store, --stack, --json, --debug, examples, and names to complete."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from skillstack.cli import console
from skillstack.cli.group import PROGRAM
from skillstack.routers import registry

if TYPE_CHECKING:
    from skillstack.stack import Stack

#: Key of the context under which a command keeps the values as they were typed.
_TYPED = "skillstack.typed"
#: Parameters that say how a command answers, not what it does.
_MANNER = ("apply", "dry_run", "as_json", "debug")


@dataclass(frozen=True)
class Invocation:
    """What every command is told: which store and stack it is about, and how it is to answer."""

    store: str | None
    stack: str | None
    as_json: bool

    def open(self, **where: Any) -> Stack:
        """The stack, for reading; a note says so where it is the one inside the package.

        :param where: ``model``, ``precision`` and ``device``, as `Stack.open` takes them.
        """
        return self.open_stack(self.stack, **where)

    def open_stack(self, name: str | None, **where: Any) -> Stack:
        """The stack of this name."""
        from skillstack.stack import Stack

        opened = Stack.open(self.store, name, **where)
        if opened.packaged:
            what = "the reference stack that comes with the package."
            console.note(f"This is {what}" if name else f"There is no store here: this is {what}")
        return opened

    def answer(
        self, document: Callable[[], Mapping[str, Any]], words: Callable[[], str | Sequence[str]]
    ) -> None:
        """Print the answer as one JSON document, or in words."""
        if self.as_json:
            console.document(document())
        else:
            said = words()
            console.out(said if isinstance(said, str) else "\n".join(said))

    def current(self) -> str | None:
        """The current stack of the store; None where there is none yet."""
        from skillstack.errors import StoreError
        from skillstack.store.locate import find_store

        try:
            found = find_store(self.store)
        except StoreError:
            return None
        return None if found.packaged else found.store.head_stack()

    def now_current(self, before: str | None, stack: str) -> list[str]:
        """What to print where a command has made a stack the current one; nothing where it was before."""
        if before == stack:
            return []
        said = f"The current stack is now {stack}" + (f"; it was {before}." if before else ".")
        named = os.environ.get("SKILLSTACK_STACK")
        return [f"{said} SKILLSTACK_STACK still names {named}." if named and named != stack else said]

    def line(self, *words: str) -> str:
        """Another command on the same store, to copy."""
        return console.quoted([PROGRAM, *words, *(("--store", self.store) if self.store else ())])


def again(*flags: str, **changed: str | Sequence[str] | None) -> str:
    """The running command as it was typed, to copy, without the flags that say how it answers.

    :param flags: what is added at its end.
    :param changed: values by the parameter's name; None leaves the option out.
    """
    context = click.get_current_context()
    typed = {**context.meta[_TYPED], **changed}
    words = [PROGRAM, str(context.info_name)]
    for parameter in context.command.params:
        value = typed.get(parameter.name or "")
        if parameter.name in _MANNER:
            continue
        if isinstance(value, bool):
            words.append((parameter.opts if value else parameter.secondary_opts)[0])
        elif isinstance(value, (str, list, tuple)):
            option = [] if isinstance(parameter, click.Argument) else parameter.opts[:1]
            for one in [value] if isinstance(value, str) else value:
                words += [*option, str(one)]
    return console.quoted([*words, *flags])


class Command(click.Command):
    """A command with the common options after its own, and examples at the end of its help."""

    def __init__(self, *args: Any, examples: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.examples = tuple(examples)
        self.params += _common()
        for parameter in self.params:
            name = "stack" if (self.name, parameter.name) in STACK_ARGUMENTS else parameter.name
            if name in KINDS and type(parameter.type) is click.types.StringParamType:
                parameter.type = KINDS[name]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep what was typed, for `again`."""
        if not ctx.resilient_parsing:
            ctx.meta[_TYPED] = self.make_parser(ctx).parse_args(args=list(args))[0]
        return super().parse_args(ctx, args)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The examples, as they would be typed."""
        if self.examples:
            with formatter.section("Examples"):
                for example in self.examples:
                    formatter.write(f"{'':>{formatter.current_indent}}{example}\n")


def _common() -> list[click.Parameter]:
    store = "Store folder. Default: SKILLSTACK_STORE, or the nearest frames/ here or above."
    stack = "Stack name. Default: SKILLSTACK_STACK, or the current stack."
    return [
        click.Option(["--store"], metavar="FOLDER", help=store),
        click.Option(["--stack"], metavar="NAME", help=stack),
        click.Option(["--json", "as_json"], is_flag=True, help="Print JSON on standard output."),
        click.Option(["--debug"], is_flag=True, expose_value=False, help="Show the traceback of an error."),
    ]


def command(*examples: str) -> Callable[[Callable[..., int | None]], click.Command]:
    """Make a function a command. It gets its `Invocation` first, and may return an exit status."""

    def decorate(function: Callable[..., int | None]) -> click.Command:
        @functools.wraps(function)
        def invoke(store: str | None, stack: str | None, as_json: bool, **given: Any) -> int | None:
            return function(Invocation(store, stack, as_json), **given)

        settings = {"help_option_names": ["-h", "--help"]}
        name = function.__name__.rstrip("_")
        return click.command(name, cls=Command, examples=examples, context_settings=settings)(invoke)

    return decorate


# names that a shell completes; none of it loads a model's library ------------------------------------------


class Completed(click.types.StringParamType):
    """A text, with the names that it may be.

    :param known: lists them; called only when a shell completes, and any failure is ignored.
    :param kind: ``file`` or ``dir`` where the shell itself completes it.
    """

    def __init__(
        self, known: Callable[[click.Context], Iterable[str]] = lambda _: (), kind: str = ""
    ) -> None:
        self._known, self._kind = known, kind

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The names that begin so."""
        if self._kind:
            return [CompletionItem(incomplete, type=self._kind)]
        try:
            return [CompletionItem(name) for name in self._known(ctx) if name.startswith(incomplete)]
        except Exception:  # a message in the middle of typing would help nobody
            return []


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


def _stacks(ctx: click.Context) -> Iterable[str]:
    from skillstack.store.locate import find_store

    return find_store(ctx.params.get("store")).store.stacks()


def _frames(ctx: click.Context) -> Iterable[str]:
    from skillstack.store.locate import choose_stack, find_store

    store = find_store(ctx.params.get("store")).store
    return [content.name for _, content in store.contents(choose_stack(store, ctx.params.get("stack")))]


#: What a parameter of this name is. Those of `use` and `stacks` are stacks.
KINDS: dict[str, Completed] = {
    "preset": Completed(_presets),
    "stack": Completed(_stacks),
    "model": Completed(lambda _: ("minilm", "smollm2")),
    "router": Completed(lambda _: registry.names()),
    **dict.fromkeys(("tasks", "only"), Completed(_tasks)),
    **dict.fromkeys(("frame", "frames"), Completed(_frames)),
    **dict.fromkeys(("store", "data_dir"), Completed(kind="dir")),
    **dict.fromkeys(("source", "file", "output", "places"), Completed(kind="file")),
}
STACK_ARGUMENTS = {("use", "name"), ("stacks", "names")}
