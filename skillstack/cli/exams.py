"""Which test rows are asked, on which base: the options that eval and probe share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from skillstack.cli.bases import device_option, model_option, precision_change_option
from skillstack.cli.gathering import Decorator, gathering
from skillstack.errors import UsageError

#: What is said at Ctrl-C.
GO_ON = "What was answered is kept; run the same command again to go on."


def rows_per_class(_: click.Context, __: click.Parameter, value: str) -> int | None:
    """A number of rows; None for ``all``.

    :raises UsageError: if it is neither.
    """
    if value == "all":
        return None
    if not (value.isascii() and value.isdigit() and len(value) < 10) or int(value) < 1:
        raise UsageError(f"{value[:40]!r} is no number of rows.", "Give a number from 1 on, or all.")
    return int(value)


def tables(_: click.Context, option: click.Parameter, values: tuple[str, ...]) -> dict[str, Path]:
    """Tables by the skill that they are of.

    :raises UsageError: if one is not written NAME=FILE, or a name comes twice.
    """
    found: dict[str, Path] = {}
    for value in values:
        name, _equals, path = value.partition("=")
        if not name or not path:
            said = f"{option.opts[0]} takes NAME=FILE, not {value[:80]!r}."
            raise UsageError(said, "For example tickets=more.csv.")
        if name in found:
            raise UsageError(f"{option.opts[0]} is given twice for {name[:80]!r}.", "Leave one of them out.")
        found[name] = Path(path)
    return found


@dataclass(frozen=True)
class Exams:
    """What is asked, and of which base.

    :ivar per_class: None for all.
    """

    data_dir: str | None
    tasks: tuple[str, ...]
    tables: Mapping[str, Path]
    per_class: int | None
    model: str | None
    device: str
    precision_change: str | None

    @property
    def options(self) -> dict[str, Any]:
        """As `Stack.evaluate` and `Stack.probe` take them."""
        return {
            "data_dir": self.data_dir,
            "only": self.tasks,
            "tables": self.tables,
            "per_class": self.per_class,
            "model": self.model,
            "device": self.device,
            "precision_change": self.precision_change,
        }


_OPTIONS: tuple[Decorator, ...] = (
    click.option("--data-dir", metavar="FOLDER", help="Holds a folder with the rows of each task."),
    click.option(
        "--task", "tasks", multiple=True, metavar="NAME", help="Of this task alone; give it once for each."
    ),
    click.option(
        "--test", "tables", multiple=True, metavar="NAME=FILE", callback=tables,
        help="Labelled rows of your own for a skill: CSV, TSV, JSON lines or Parquet.",
    ),
    click.option(
        "--eval-samples-per-class", "per_class", default="64", show_default=True, metavar="N",
        callback=rows_per_class, help="Test rows of each class at most, or all.",
    ),
    model_option("Where the base is, if not where the frames look for it."),
    device_option(),
    precision_change_option("Hold the base in another precision than the frames were trained in."),
)  # fmt: skip

#: Adds these options; the command gets them as ``exams``.
examining = gathering(Exams, "exams", _OPTIONS)
