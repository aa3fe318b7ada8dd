"""How a training is carried out here: options of time and memory, shared by the commands that train."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Any

import click

from skillstack.cli.gathering import gathering

_DURATION = re.compile(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s?)?")


def duration(text: str) -> float:
    """Seconds of ``8h``, ``1h30m``, ``30m`` or ``90s``; a number alone is seconds as well.

    :raises click.BadParameter: if it is no time.
    """
    found = _DURATION.fullmatch(text.strip().lower())
    if not text.strip() or found is None:
        raise click.BadParameter(f"{text[:40]!r} is no time; write 8h, 1h30m, 30m or 90s.")
    hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return 3600 * hours + 60 * minutes + seconds


def rows_or_auto(text: str) -> int:
    """A number of rows, 1 or more; 0 for ``auto``.

    :raises click.BadParameter: if it is neither.
    """
    plain = text.strip().lower()
    if plain == "auto":
        return 0
    if not (plain.isascii() and plain.isdigit() and len(plain) < 7 and int(plain)):
        raise click.BadParameter(f"{text[:40]!r} is neither a number of rows nor auto.")
    return int(plain)


_OPTIONS = (
    click.option(
        "--batch-size",
        type=rows_or_auto,
        metavar="N|auto",
        help="Rows that a step learns from; auto, the default, takes the recipe's.",
    ),
    click.option(
        "--micro-batch",
        type=rows_or_auto,
        default="auto",
        show_default=True,
        metavar="N|auto",
        help="Rows at once; halved when memory runs out, while a step keeps its batch size.",
    ),
    click.option(
        "--accumulate",
        type=click.IntRange(min=1),
        default=1,
        show_default=True,
        metavar="N",
        help="Parts, at least, in which the rows of a step pass.",
    ),
    click.option(
        "--gradient-checkpointing/--no-gradient-checkpointing",
        default=None,
        help="Compute states again to save memory; by default on a GPU from a billion parameters on.",
    ),
    click.option(
        "--time-limit",
        type=duration,
        metavar="TIME",
        help="Stop in time at a checkpoint, with status 4: 8h, 1h30m, 30m, 90s.",
    ),
)


@dataclass(frozen=True)
class Carried:
    """How a training is to be carried out: the options of batches, checkpointing and time.

    :ivar batch_size: rows of a step, which is the recipe's matter; 0 or None for its own.
    :ivar micro_batch: rows at once; 0 starts with all of a step.
    :ivar gradient_checkpointing: None leaves it to the rules.
    :ivar time_limit: seconds.
    """

    batch_size: int | None
    micro_batch: int
    accumulate: int
    gradient_checkpointing: bool | None
    time_limit: float | None

    @property
    def settings(self) -> dict[str, Any]:
        """What `Stack.train` and `Stack.learn` are told."""
        return {
            "micro_batch": self.micro_batch,
            "accumulate": self.accumulate,
            "gradient_checkpointing": self.gradient_checkpointing,
            "time_limit": self.time_limit,
        }


#: Gives a command the options of `Carried`, as ``carried``.
carrying = gathering(Carried, "carried", _OPTIONS)


def launched_place() -> int:
    """This process's number among those that `accelerate launch` started, from 0; the first one speaks."""
    several = os.environ.get("WORLD_SIZE", "1") != "1"
    return int(os.environ.get("RANK", "0")) if several else 0
