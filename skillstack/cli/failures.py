"""What went wrong, in one sentence, and what to do, in another."""

from __future__ import annotations

from dataclasses import dataclass

import click

from skillstack.errors import SkillStackError

#: The time limit came before the end; everything done so far is kept.
OUT_OF_TIME = 4
INTERRUPTED = 130
#: How torch says that the system has none left; it has no type of error for it.
_NO_MEMORY = "DefaultCPUAllocator"


@dataclass(frozen=True)
class Failure:
    """A failed command, as people and programs are told.

    :ivar type: name of the error's kind.
    :ivar message: one sentence of what is wrong.
    :ivar hint: one sentence of what to do, or empty.
    :ivar status: the exit status.
    """

    type: str
    message: str
    hint: str
    status: int


class Interrupted(KeyboardInterrupt):
    """Ctrl-C, in a command that has something to say about it."""

    def __init__(self, hint: str) -> None:
        super().__init__(hint)
        self.hint = hint


def explain(error: BaseException) -> Failure:
    """The failure that this error is."""
    kind = type(error).__name__
    if isinstance(error, SkillStackError):
        return Failure(kind, error.message, error.hint, error.exit_status)
    if isinstance(error, click.ClickException):
        return _of_click(error)
    if isinstance(error, (KeyboardInterrupt, click.Abort)):
        hint = error.hint if isinstance(error, Interrupted) else ""
        return Failure("Interrupted", "Interrupted.", hint, INTERRUPTED)
    if isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and _NO_MEMORY in str(error)):
        return Failure(kind, "There is not enough memory.", "Close other programs, or take less at once.", 3)
    if kind == "OutOfMemoryError":  # torch's; it must not be imported for this
        hint = "Try --precision nf4, a smaller --max-length, or a smaller model."
        return Failure(kind, "There is not enough memory on the device.", hint, 3)
    if isinstance(error, OSError):
        what = f"{error.strerror or error}" + (f": {error.filename}" if error.filename else "")
        hint = "Check the path, its permissions and the disk."
        return Failure(kind, f"The system refused: {what}.", hint, 3)
    first = (str(error).strip().splitlines() or [""])[0]
    return Failure(
        kind,
        f"Something unexpected went wrong: {kind}{': ' if first else ''}{first}".rstrip(".") + ".",
        "Run it again with --debug, and report what it shows.",
        3,
    )


def _of_click(error: click.ClickException) -> Failure:
    message = error.format_message().strip()
    if message and message[-1] not in ".!?)":
        message += "."
    if not isinstance(error, click.UsageError):
        return Failure("InputError", message, "", 3)
    path = error.ctx.command_path if error.ctx else "skillstack"
    return Failure("UsageError", message, f"`{path} --help` shows how to use it.", 2)
