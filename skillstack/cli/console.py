"""The only place that prints: answers go to standard output; progress, notes and errors to standard error."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import signal
import stat
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING, Any, BinaryIO, TextIO

import click

from skillstack.errors import SkillStackError
from skillstack.wording import clean, clean_line, percent

if TYPE_CHECKING:
    from rich.progress import Progress

    from skillstack.store.records import Count

SCHEMA = 1
#: The time limit came before the end; everything done so far is kept.
OUT_OF_TIME = 4
INTERRUPTED = 130
#: How torch reports that the system has no memory left; it has no error type for that.
_NO_MEMORY = "DefaultCPUAllocator"

# printing -----------------------------------------------------------------------------------------------


def out(text: str = "") -> None:
    """Print a line, or several, of an answer."""
    print(clean(text))


def note(text: str) -> None:
    """Print a message that is not part of the answer."""
    if sys.stderr is not None:
        with contextlib.suppress(OSError):  # whoever writes answers will hear of it
            flush()
        print(clean(text), file=sys.stderr, flush=True)


def document(value: Mapping[str, Any]) -> None:
    """Print an answer as one JSON document."""
    print(to_json(value, indent=2))


def fields(value: object, *names: str) -> dict[str, Any]:
    """These attributes, for a document."""
    return {name: getattr(value, name) for name in names}


def line(value: Mapping[str, Any]) -> None:
    """Print an answer as one line of JSON."""
    print(to_json(value))


def to_json(value: Mapping[str, Any], indent: int | None = None) -> str:
    """JSON with its schema, in ASCII: any encoding carries it, and no terminal acts on it."""
    return json.dumps({"schema": SCHEMA, **value}, indent=indent, allow_nan=False).replace("\x7f", "\\u007f")


def flush() -> None:
    """Write everything that is buffered; raises what the system answers."""
    if sys.stdout is not None:
        sys.stdout.flush()


def abandon() -> None:
    """Send Python's last flush nowhere, since nobody reads the output any more."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def tolerate_encodings() -> None:
    """Print a character that the terminal cannot show as an escape, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def can_show(text: str, stream: TextIO | None = None) -> bool:
    """Whether standard output's encoding has these characters."""
    try:
        text.encode(getattr(stream or sys.stdout, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def width() -> int:
    """Columns of the terminal; 80 where there is none, and at most 120, which is easier to read."""
    return min(shutil.get_terminal_size((80, 24)).columns, 120) if _is_terminal(sys.stdout) else 80


def _is_terminal(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # closed
        return False


# figures, tables and paragraphs -------------------------------------------------------------------------


def accuracy(count: Count | None) -> str:
    """``95.5 % of 200``, or a dash where nothing was measured."""
    return f"{percent(count.accuracy)} of {count.n:,}" if count is not None and count.n else "-"


def short(digest: str | None) -> str:
    """The first eight digits of an id, or a dash."""
    return digest[:8] if digest else "-"


def shorten(text: str, most: int) -> str:
    """One line of at most this many characters."""
    whole = clean_line(text[: 4 * most + 100])
    return whole if len(whole) <= most else f"{whole[: max(most - 3, 1)].rstrip()}..."


def table(
    heads: Sequence[str], rows: Sequence[Sequence[str]], *, left: Sequence[int] = (0,), indent: int = 2
) -> list[str]:
    """Lines of a table that is no wider than the screen; a cell that is too long goes on in the next line.

    :param heads: headings; empty for a table without.
    :param left: numbers of the columns that hold words; the others hold figures, at the right.
    """
    from rich.console import Console
    from rich.table import Table

    drawn = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, show_header=bool(heads))
    for number in range(len(heads or rows[0])) if heads or rows else ():
        words = number in left
        head = heads[number] if heads else ""
        drawn.add_column(head, justify="left" if words else "right", overflow="fold", no_wrap=not words)
    for row in rows:
        drawn.add_row(*(clean_line(cell) for cell in row))
    page = Console(
        file=io.StringIO(), width=width() - indent, color_system=None, force_terminal=False,
        markup=False, emoji=False, highlight=False, legacy_windows=False,
    )  # fmt: skip
    page.print(drawn)
    assert isinstance(page.file, io.StringIO)
    return [f"{'':{indent}}{shown}".rstrip() for shown in page.file.getvalue().splitlines()]


def pairs(rows: Sequence[tuple[str, str]], indent: int = 2) -> list[str]:
    """Lines of names and values; a long value goes on below where it began."""
    names = max((len(name) for name, _ in rows), default=0)
    return [
        part
        for name, value in rows
        for part in wrapped(
            value or "-", f"{'':{indent}}{name:<{names}}  ", " " * (indent + names + 2), whole=True
        )
    ]


def wrapped(text: str, first: str = "", rest: str | None = None, *, whole: bool = False) -> list[str]:
    """A paragraph as wide as the screen.

    :param first: what its first line begins with; ``rest`` is that of the others, by default two blanks more.
    :param whole: whether a word stays whole that is longer than a line, such as a path to copy.
    """
    return textwrap.wrap(
        clean_line(text),
        width(),
        initial_indent=first,
        subsequent_indent=f"{first}  " if rest is None else rest,
        break_long_words=not whole,
        break_on_hyphens=False,
    )


def quoted(words: Sequence[str]) -> str:
    """A command line to copy, which POSIX shells, PowerShell and cmd all read as these words."""
    import re
    import shlex

    def quote(word: str) -> str:
        plain = re.fullmatch(r"[\w \-.,:;=?/@%+'()<>]+", word, re.ASCII) and not word.endswith("\\")
        return f'"{word}"' if plain and shlex.quote(word) != word else shlex.quote(word)

    return " ".join(map(quote, words))


# progress and interrupts --------------------------------------------------------------------------------


def shows_progress() -> bool:
    """Whether a moving display fits: standard error is a terminal and nothing asks for plain output."""
    # Notebooks give their commands a terminal, but the cell below does not move its cursor up.
    plain = any(os.environ.get(name) for name in ("CI", "JPY_PARENT_PID"))
    return not plain and os.environ.get("TERM") != "dumb" and _is_terminal(sys.stderr)


def moving(*columns: Any) -> Progress:
    """A display on standard error that moves, and is gone at the end."""
    from rich.console import Console
    from rich.progress import Progress

    return Progress(*columns, console=Console(stderr=True), transient=True)


@contextlib.contextmanager
def byte_progress(stream: BinaryIO, *, wanted: bool) -> Iterator[Callable[[int], None]]:
    """Show how much of a file was read, with rate and remaining time. Yields what takes a number of rows."""
    if not wanted or not shows_progress() or not _is_file(stream):
        yield lambda rows: None
        return
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (
        *(TextColumn("{task.fields[rows]:,} rows"), BarColumn(), TaskProgressColumn()),
        *(TextColumn("{task.fields[rate]:,.0f} rows/s,"), TimeRemainingColumn(), TextColumn("left")),
    )
    with moving(*columns) as progress:
        task = progress.add_task("", total=os.fstat(stream.fileno()).st_size, rows=0, rate=0.0)
        done = 0

        def advance(rows: int) -> None:
            nonlocal done
            done += rows
            elapsed = progress.tasks[0].elapsed or 0.0
            progress.update(task, completed=stream.tell(), rows=done, rate=done / elapsed if elapsed else 0.0)

        yield advance


def _is_file(stream: BinaryIO) -> bool:
    try:
        return stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
    except (OSError, ValueError):
        return False


@contextlib.contextmanager
def count_progress(noun: str, *, interrupted: str = "") -> Iterator[Callable[[int, int], None]]:
    """Show how many of a known number are done, with remaining time. Yields what takes both numbers.

    :param interrupted: what is printed at Ctrl-C.
    :raises Interrupted: at Ctrl-C, where there is something to print.
    """
    with interrupt_hint(interrupted):
        if not shows_progress():
            yield lambda done, of: None
            return
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

        columns = (MofNCompleteColumn(), TextColumn(noun), BarColumn(), TimeRemainingColumn())
        with moving(*columns, TextColumn("left")) as progress:
            task = progress.add_task("", total=None)
            yield lambda done, of: progress.update(task, completed=done, total=of)


@contextlib.contextmanager
def interrupt_hint(hint: str) -> Iterator[None]:
    """Print this sentence at Ctrl-C, beside the error."""
    try:
        yield
    except KeyboardInterrupt as error:
        if not hint or isinstance(error, Interrupted):
            raise
        raise Interrupted(hint) from None


@contextlib.contextmanager
def remembered_interrupts() -> Iterator[Callable[[], None]]:
    """Remember an interrupt; the function that this yields raises it again, at a safe place.

    Python raises `KeyboardInterrupt` wherever it happens to be, and inside a callback or a finaliser of a
    library it is printed and forgotten.
    """
    seen = False

    def remember(number: int, frame: FrameType | None) -> None:
        nonlocal seen
        seen = True
        raise KeyboardInterrupt

    def check() -> None:
        if seen:
            raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield check
        return
    before = signal.signal(signal.SIGINT, remember)
    try:
        yield check
    finally:
        signal.signal(signal.SIGINT, before)


# failures -----------------------------------------------------------------------------------------------


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


def report_failure(error: BaseException, *, as_json: bool) -> int:
    """Print what is wrong and what to do; returns the exit status."""
    failure = explain(error)
    try:
        if as_json:
            line({"error": {"type": failure.type, "message": failure.message, "hint": failure.hint}})
        note(f"error: {failure.message}" + (f"\n{failure.hint}" if failure.hint else ""))
        flush()
    except OSError:  # the output itself is what fails
        abandon()
    return failure.status


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
        hint = "Close other programs, or process fewer rows at once."
        return Failure(kind, "There is not enough memory.", hint, 3)
    if kind == "OutOfMemoryError":  # torch's; it must not be imported for this
        hint = "Try --precision nf4, a smaller --max-length, or a smaller model."
        return Failure(kind, "There is not enough memory on the device.", hint, 3)
    if isinstance(error, OSError):
        what = f"{error.strerror or error}" + (f": {error.filename}" if error.filename else "")
        hint = "Check the path, its permissions and the disk."
        return Failure(kind, f"The system refused: {what}.", hint, 3)
    first = (str(error).strip().splitlines() or [""])[0]
    message = f"Something unexpected went wrong: {kind}{': ' if first else ''}{first}".rstrip(".")
    return Failure(kind, f"{message}.", "Run it again with --debug, and report what it shows.", 3)


def _of_click(error: click.ClickException) -> Failure:
    message = error.format_message().strip()
    if message and message[-1] not in ".!?)":
        message += "."
    if not isinstance(error, click.UsageError):
        return Failure("InputError", message, "", 3)
    path = error.ctx.command_path if error.ctx else "skillstack"
    return Failure("UsageError", message, f"`{path} --help` shows how to use it.", 2)
