"""Whether frames are merged as they come: options that train and learn share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import click

from skillstack.cli.gathering import Decorator, gathering
from skillstack.cli.guarding import margin_share
from skillstack.errors import UsageError


def _margin(context: click.Context, option: click.Parameter, value: str | None) -> float | None:
    return None if value is None else margin_share(context, option, value)


@dataclass(frozen=True)
class Merging:
    """Whether, and what a task may lose by it."""

    auto_compress: bool
    compress_margin: float | None

    def __post_init__(self) -> None:
        """See that a margin serves something.

        :raises UsageError: if it does not.
        """
        if self.compress_margin is not None and not self.auto_compress:
            raise UsageError(
                "--compress-margin says what --auto-compress may cost.", "Add that, or leave it out."
            )

    @property
    def settings(self) -> dict[str, Any]:
        """As `Stack.train` and `Stack.learn` take them."""
        margin = {} if self.compress_margin is None else {"compress_margin": self.compress_margin}
        return {"auto_compress": self.auto_compress, **margin}


_OPTIONS: tuple[Decorator, ...] = (
    click.option(
        "--auto-compress", is_flag=True, help="Merge each new frame with its family, where the guard allows."
    ),
    click.option(
        "--compress-margin", metavar="POINTS", callback=_margin,
        help="What a task may lose by each merge, in points of accuracy; 2 by default.",
    ),
)  # fmt: skip

#: Adds these options; the command gets them as ``merging``.
merging = gathering(Merging, "merging", _OPTIONS)
