"""Running a command line: what it did or why it failed becomes output and an exit status."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence

import click

from skillstack.cli import render
from skillstack.cli.failures import Failure, explain
from skillstack.cli.group import PROGRAM, cli

#: What shells report for a program that a closed pipe ended. Not 1: no check has failed.
BROKEN_PIPE = 141


def main() -> None:
    """The console script."""
    if f"_{PROGRAM.upper()}_COMPLETE" in os.environ:  # a shell asks for completions
        cli.main(prog_name=PROGRAM)
    render.tolerate_encodings()
    raise SystemExit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command line; returns its exit status.

    Status: 0 done, 1 a check did not hold, 2 usage, 3 data or store error, 4 stopped by the time limit,
    130 interrupted, 141 nobody reads the output any more. With ``--json`` a failure is one more document,
    or the last line of a stream, on standard output: ``{"schema", "error": {"type", "message", "hint"}}``.
    """
    arguments = list(arguments)
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    warnings.showwarning = _show_warning
    try:
        status = _invoke(arguments)
        render.flush()
        return status
    except BrokenPipeError:
        render.abandon()
        return BROKEN_PIPE
    except BaseException as error:  # the last one who can explain it
        if "--debug" in options:
            render.traceback()
        return _report(explain(error), as_json="--json" in options)


def _invoke(arguments: list[str]) -> int:
    try:
        # Not cli.main(): on Windows it would take a text with * or ? for a pattern of file names.
        with cli.make_context(PROGRAM, arguments) as context:
            status = cli.invoke(context)
    except click.exceptions.Exit as done:
        status = done.exit_code
    return status if isinstance(status, int) else 0


def _report(failure: Failure, *, as_json: bool) -> int:
    try:
        if as_json:
            error = {"type": failure.type, "message": failure.message, "hint": failure.hint}
            render.line({"error": error})
        render.failure(failure.message, failure.hint)
        render.flush()
    except OSError:  # the output itself is what fails
        render.abandon()
    return failure.status


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    render.note(f"note: {message}")
