"""The group of all commands. A command's module is imported when it is run, not to list it."""

from __future__ import annotations

import builtins
from importlib import import_module
from keyword import iskeyword

import click
from click.shell_completion import CompletionItem

from skillstack.errors import UsageError, did_you_mean

PROGRAM = "skillstack"

#: Commands in the order in which people meet them: module of this package and summary, by section.
SECTIONS: dict[str, dict[str, str]] = {
    "Work": {
        "doctor": "Say what this machine can do, and what is missing.",
        "train": "Train a stack of frames, one task after another.",
        "learn": "Learn a skill from a table of your own.",
        "fetch": "Get tasks and a model into one folder, for runs without a network.",
        "route": "Say which skill would answer a text.",
        "predict": "Answer a text with the skill that the router picks.",
    },
    "Measure": {
        "eval": "Say how good the stack is, and how sure that is.",
        "probe": "Ask what order, redundant frames or a single adapter would do.",
        "report": "Write all that as a page, with tables and plots for a paper.",
    },
    "Look": {
        "log": "Draw the stack, from the newest frame to the oldest.",
        "show": "Show all about one frame.",
        "stacks": "List the stacks of the store; rename, copy or delete one.",
        "bench": "Compare continual-learning methods on the same tasks.",
        "verify": "Check that every file of the store is whole.",
    },
    "Change": {
        "use": "Choose the stack that commands mean.",
        "compress": "Merge or cut the frames of a family; nothing that loses too much.",
        "ablate": "Say what the stack would lose with each frame; prune one.",
        "undo": "Take back the latest change of the stack.",
        "redo": "Bring back what was undone last.",
        "export": "Write a stack into one file, or as plain PEFT folders.",
        "import": "Bring a stack in from a file.",
        "gc": "Free the space of what nothing needs any more.",
    },
    "Shell": {
        "completion": "Print the script by which bash, zsh or fish complete names.",
    },
}
FIRST_STEPS = (
    f"{PROGRAM} train --preset starter8",
    f'{PROGRAM} route "please block my card"',
    f'{PROGRAM} predict "please block my card"',
    f"{PROGRAM} learn tickets tickets.csv",
    f"{PROGRAM} log",
)
SUMMARIES = {name: text for section in SECTIONS.values() for name, text in section.items()}


class LazyGroup(click.Group):
    """Lists commands from `SECTIONS`, and imports one only to run it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names, in the order of use."""
        return list(SUMMARIES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name, imported now."""
        if cmd_name not in SUMMARIES:
            return None
        # As Python's own style guide has it, names that mean something already get an underscore.
        module = f"{cmd_name}_" if iskeyword(cmd_name) else cmd_name
        name = f"{cmd_name}_" if iskeyword(cmd_name) or hasattr(builtins, cmd_name) else cmd_name
        command = getattr(import_module(f"skillstack.cli.{module}"), name)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the arguments name.

        :raises UsageError: if there is none of this name.
        """
        guessing = ctx.resilient_parsing  # a shell completes what is not yet a command
        if args and not args[0].startswith("-") and args[0] not in SUMMARIES and not guessing:
            raise UsageError(
                f"There is no command {args[0][:80]!r}.",
                f"{did_you_mean(args[0], SUMMARIES)} `{PROGRAM} --help` lists them.",
            )
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Commands and options that begin so; no command is imported for it."""
        commands = [
            CompletionItem(name, help=summary)
            for name, summary in SUMMARIES.items()
            if name.startswith(incomplete)
        ]
        return commands + click.Command.shell_complete(self, ctx, incomplete)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands by section."""
        for section, commands in SECTIONS.items():
            with formatter.section(section):
                formatter.write_dl([(f"{name:<10}", summary) for name, summary in commands.items()])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """What to type first."""
        with formatter.section("First steps, without data or an account"):
            for example in FIRST_STEPS:
                formatter.write(f"{'':>{formatter.current_indent}}{example}\n")


def _version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        from skillstack.cli import render
        from skillstack.cli.version import version

        render.out(f"{PROGRAM} {version()}")
        ctx.exit()


@click.group(
    cls=LazyGroup, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.option(
    "--version", is_flag=True, expose_value=False, is_eager=True, callback=_version, help="Show the version."
)
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Teach a language model one skill after another without losing any.

    Each skill is a frame of a stack: a small adapter, a head and its record. A router reads a text and picks
    the frame that answers. `skillstack COMMAND --help` shows a command's options and examples; `skillstack`
    alone shows the current stack and what to do next.
    """
    if ctx.invoked_subcommand is None:
        from skillstack.cli import render
        from skillstack.cli.welcome import welcome

        render.out("\n".join(welcome()))
