"""What a change may cost, by whose rows, and what is said at Ctrl-C: shared by compress and ablate."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from skillstack.cli.bases import device_option, model_option
from skillstack.cli.exams import tables
from skillstack.cli.gathering import Decorator, gathering
from skillstack.errors import StoreError, UsageError

if TYPE_CHECKING:
    from skillstack.api import Stack


def margin_share(_: click.Context, __: click.Parameter, value: str) -> float:
    """A margin in points, as a share."""
    return _between("margin", value, 50) / 100


def level_share(_: click.Context, __: click.Parameter, value: str) -> float:
    """A level, which is a share already."""
    return _between("level", value, 0.5)


def _between(name: str, value: str, most: float) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not 0 < number < most:
        raise UsageError(f"A {name} of {value[:40]!r} means nothing.", f"It lies between 0 and {most:g}.")
    return number


@dataclass(frozen=True)
class Guards:
    """What a task may lose and how sure that is to be, whose rows say so, and which base answers."""

    margin: float
    level: float
    data_dir: str | None
    tables: Mapping[str, Path]
    model: str | None
    device: str

    @property
    def options(self) -> dict[str, Any]:
        """As `Stack.compress` and `Stack.ablate` take them."""
        return dict(vars(self))


_OPTIONS: tuple[Decorator, ...] = (
    click.option(
        "--margin", default="1", show_default=True, metavar="POINTS", callback=margin_share,
        help="What a task may lose, in points of accuracy.",
    ),
    click.option(
        "--level", default="0.05", show_default=True, metavar="P", callback=level_share,
        help="Chance, at most, that what loses more passes.",
    ),
    click.option("--data-dir", metavar="FOLDER", help="Holds a folder with the rows of each task."),
    click.option(
        "--rows", "tables", multiple=True, metavar="SKILL=FILE", callback=tables,
        help="Labelled rows of your own for a skill: CSV, TSV, JSON lines or Parquet.",
    ),
    model_option("Where the base is, if not where the frames look for it."),
    device_option(),
)  # fmt: skip

#: Adds these options; the command gets them as ``guards``.
guarding = gathering(Guards, "guards", _OPTIONS)


def refusal(stack: Stack) -> str | None:
    """Why the stack cannot be changed, and what to do about that; None where it can."""
    try:
        stack.check_changeable()
    except StoreError as error:
        return f"{error.message} {error.hint}"
    return None


@contextlib.contextmanager
def interruptible(stack: Stack, changed: str) -> Iterator[None]:
    """Says at Ctrl-C whether the stack has changed.

    :param changed: what is said if it has.
    """
    from skillstack.cli.failures import Interrupted

    before = stack.store.tip(stack.name)
    try:
        yield
    except KeyboardInterrupt:
        same = stack.store.tip(stack.name) == before
        raise Interrupted("Nothing has changed." if same else changed) from None
