"""What every command has: --json, --store, --stack, --debug, and examples under its --help."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import click

from skillstack.cli.names import complete_names


class Command(click.Command):
    """A command with the common options after its own, and examples at the end of its help."""

    def __init__(self, *args: Any, examples: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.examples = tuple(examples)
        self.params += _common()
        complete_names(self)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The examples, as they would be typed."""
        if self.examples:
            with formatter.section("Examples"):
                for example in self.examples:
                    formatter.write(f"{'':>{formatter.current_indent}}{example}\n")


def _common() -> list[click.Parameter]:
    return [
        click.Option(
            ["--store"],
            metavar="FOLDER",
            help="The store; else SKILLSTACK_STORE, else the nearest frames/ here or above.",
        ),
        click.Option(
            ["--stack"], metavar="NAME", help="The stack; else SKILLSTACK_STACK, else the current one."
        ),
        click.Option(["--json", "as_json"], is_flag=True, help="Print JSON on standard output."),
        click.Option(["--debug"], is_flag=True, expose_value=False, help="Show the traceback of an error."),
    ]


def command(*examples: str) -> Callable[[Callable[..., int | None]], click.Command]:
    """Make a function a command. It gets ``store``, ``stack`` and ``as_json`` and may return a status."""

    def decorate(function: Callable[..., int | None]) -> click.Command:
        settings = {"help_option_names": ["-h", "--help"]}
        name = function.__name__.rstrip("_")
        return click.command(name, cls=Command, examples=examples, context_settings=settings)(function)

    return decorate
