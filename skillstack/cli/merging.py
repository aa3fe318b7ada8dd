"""Whether frames are merged as they come: options that train and learn share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import click

from skillstack.cli.gathering import Decorator, gathering
from skillstack.cli.guarding import margin_share


@dataclass(frozen=True)
class Merging:
    """Whether, and what a task may lose by it."""

    auto_compress: bool
    compress_margin: float

    @property
    def settings(self) -> dict[str, Any]:
        """As `Stack.train` and `Stack.learn` take them."""
        return dict(vars(self))


_OPTIONS: tuple[Decorator, ...] = (
    click.option(
        "--auto-compress", is_flag=True, help="Merge each new frame with its family, where the guard allows."
    ),
    click.option(
        "--compress-margin", default="2", show_default=True, metavar="POINTS", callback=margin_share,
        help="What a task may lose by each merge, in points of accuracy.",
    ),
)  # fmt: skip

#: Adds these options; the command gets them as ``merging``.
merging = gathering(Merging, "merging", _OPTIONS)
