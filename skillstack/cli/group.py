"""The program: its lazy group of commands, and what a command line's end or failure becomes."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence
from importlib import import_module

import click
from click.shell_completion import CompletionItem

from skillstack.cli import console
from skillstack.errors import UsageError, did_you_mean

PROGRAM = "skillstack"
#: What shells report for a program that a closed pipe ended. Not 1: no check has failed.
BROKEN_PIPE = 141

#: Commands in the order in which people meet them, with a summary, by section.
SECTIONS: dict[str, dict[str, str]] = {
    "Work": {
        "doctor": "Check what this machine can train, and what is missing.",
        "train": "Train a stack of frames, one task after another.",
        "learn": "Learn a skill from a table of your own.",
        "fetch": "Download tasks and a model into one folder, for runs without a network.",
        "route": "Show which skill would answer a text.",
        "predict": "Answer a text with the skill that the router picks.",
    },
    "Measure": {
        "eval": "Measure how good the stack is, with confidence intervals.",
        "probe": "Test frame order, redundant frames, or a single adapter for everything.",
        "report": "Write these measurements as a page, with tables and plots for a paper.",
    },
    "Look": {
        "log": "Draw the stack, from the newest frame to the oldest.",
        "show": "Show everything about one frame.",
        "stacks": "List the stacks of the store; rename, copy or delete one.",
        "bench": "Compare continual-learning methods on the same tasks.",
        "verify": "Check that every file of the store is intact.",
    },
    "Change": {
        "use": "Choose the current stack, which commands use by default.",
        "compress": "Merge or shrink the frames of a family, within a guarded loss.",
        "ablate": "Show what the stack would lose without each frame; prune one.",
        "undo": "Undo the latest change of the stack.",
        "redo": "Redo the change that was undone last.",
        "export": "Write a stack into one file, or as plain PEFT folders.",
        "import": "Import a stack from a file.",
        "gc": "Free the space of files that nothing needs any more.",
    },
    "Shell": {"completion": "Print the script by which bash, zsh or fish complete names."},
}
FIRST_STEPS = (
    f"{PROGRAM} train --preset starter8",
    f'{PROGRAM} route "please block my card"',
    f'{PROGRAM} predict "please block my card"',
    f"{PROGRAM} learn tickets tickets.csv",
    f"{PROGRAM} log",
)
SUMMARIES = {name: text for section in SECTIONS.values() for name, text in section.items()}
#: Module and name of a command whose own name is taken in Python or that shares a module.
_PLACES = {
    "eval": ("eval", "eval_"),
    "import": ("import_", "import_"),
    "redo": ("undo", "redo"),
    "use": ("stacks", "use"),
}


class LazyGroup(click.Group):
    """Lists commands from `SECTIONS`, and imports one only to run it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names, in the order of use."""
        return list(SUMMARIES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name, imported now."""
        if cmd_name not in SUMMARIES:
            return None
        module, name = _PLACES.get(cmd_name, (cmd_name, cmd_name))
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
        from importlib.metadata import PackageNotFoundError, version

        try:
            console.out(f"{PROGRAM} {version(PROGRAM)}")
        except PackageNotFoundError:
            console.out(f"{PROGRAM} (not installed)")
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
        from skillstack.cli.welcome import welcome

        console.out("\n".join(welcome()))


def main() -> None:
    """The console script."""
    if f"_{PROGRAM.upper()}_COMPLETE" in os.environ:  # a shell asks for completions
        cli.main(prog_name=PROGRAM)
    console.tolerate_encodings()
    raise SystemExit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command line; returns its exit status.

    Status: 0 done, 1 a check did not hold, 2 usage, 3 data or store error, 4 stopped by the time limit,
    130 interrupted, 141 nobody reads the output any more. With ``--json`` a failure is one more document,
    or the last line of a stream, on standard output: ``{"schema", "error": {"type", "message", "hint"}}``.
    """
    arguments = list(arguments)
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    warnings.showwarning = lambda message, *_, **__: console.note(f"note: {message}")
    try:
        status = _invoke(arguments)
        console.flush()
        return status
    except BrokenPipeError:
        console.abandon()
        return BROKEN_PIPE
    except BaseException as error:  # the last place that can explain it
        if "--debug" in options:
            import traceback

            console.note(traceback.format_exc().rstrip())
        return console.report_failure(error, as_json="--json" in options)


def _invoke(arguments: list[str]) -> int:
    try:
        # Not cli.main(): on Windows it would take a text with * or ? for a pattern of file names.
        with cli.make_context(PROGRAM, arguments) as context:
            status = cli.invoke(context)
    except click.exceptions.Exit as done:
        status = done.exit_code
    return status if isinstance(status, int) else 0
