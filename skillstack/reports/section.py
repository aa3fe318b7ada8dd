"""A section of a report: what it says, shows and holds, and what reproduces it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from skillstack.reports.plots.drawing import Plot
from skillstack.reports.table import Table


@dataclass(frozen=True)
class Section:
    """A section.

    :ivar key: its anchor.
    :ivar title: its heading.
    :ivar words: paragraphs.
    :ivar plots: in the order in which they are shown.
    :ivar tables: the same.
    :ivar shown: how many of the tables are shown at once; the others are folded in.
    :ivar source: what made its figures, where that is another command than the report's.
    :ivar measured: whether its figures come out of a measurement, which a command reproduces.
    """

    key: str
    title: str
    words: tuple[str, ...] = ()
    plots: tuple[Plot, ...] = ()
    tables: tuple[Table, ...] = ()
    shown: int = 1
    source: Mapping[str, str] = field(default_factory=dict)
    measured: bool = True
