"""What all plots share: colours, letters, and how a plot becomes SVG and PDF.

Plots are drawn in the light page's colours. Each stands for a role (`COLOURS`), by which the page replaces
it (`inline`), so that one drawing serves light and dark.
"""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skillstack.reports import words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, MUTED, GRID, PAPER = "#1b1f24", "#59636e", "#dde2e7", "#ffffff"
OWN, ROUTED, LATEST, FROZEN = "#0b57a4", "#c2410d", "#7b3fa0", "#157f5b"
BEST, SAVED, WRONG, LOST = "#a9c8e8", "#2f86c9", "#e0a526", "#b3261f"
HEAT, ON_HEAT, BOX = "#0a5099", "#fefefe", "#eef3f9"
#: The page's name of each colour.
COLOURS = {
    INK: "ink", MUTED: "muted", GRID: "grid", PAPER: "paper",
    OWN: "own", ROUTED: "routed", LATEST: "latest", FROZEN: "frozen",
    BEST: "best", SAVED: "saved", WRONG: "wrong", LOST: "lost",
    HEAT: "heat", ON_HEAT: "on-heat", BOX: "box",
}  # fmt: skip
#: Width of a plot in inches: its letters can be read on a telephone, and it fits a paper.
WIDTH = 4.8
#: Points in an inch, by which SVG and PDF count.
POINTS = 72
_STYLE = {
    "axes.edgecolor": MUTED,
    "axes.facecolor": "none",
    "axes.labelcolor": INK,
    "axes.labelsize": 8,
    "axes.linewidth": 0.6,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlesize": 8.5,
    "axes.titleweight": "bold",
    "axes.unicode_minus": True,
    "figure.facecolor": "none",
    "font.family": ["DejaVu Sans"],
    "font.size": 8,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "legend.edgecolor": "none",
    "legend.fontsize": 7.5,
    "legend.frameon": False,
    "legend.labelcolor": INK,
    "lines.linewidth": 1.2,
    "pdf.fonttype": 42,  # many publishers refuse the other kind
    "savefig.facecolor": "none",
    "svg.fonttype": "none",
    "svg.hashsalt": "skillstack",
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": MUTED,
    "xtick.labelcolor": INK,
    "xtick.labelsize": 7.5,
    "ytick.color": MUTED,
    "ytick.labelcolor": INK,
    "ytick.labelsize": 7.5,
}


@dataclass(frozen=True)
class Plot:
    """A plot that can be drawn.

    :ivar key: name of its files.
    :ivar caption: what it shows, in a sentence.
    :ivar alternative: what somebody who does not see it is told.
    :ivar draw: makes it.
    """

    key: str
    caption: str
    alternative: str
    draw: Callable[[], Figure]


@dataclass(frozen=True)
class Drawn:
    """A plot as files.

    :ivar plot: it.
    :ivar svg: with text as text.
    :ivar pdf: with its letters inside.
    """

    plot: Plot
    svg: bytes
    pdf: bytes


def drawn(plot: Plot) -> Drawn:
    """Draw a plot; the same one gives the same bytes."""
    from matplotlib import style

    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    logging.getLogger("fontTools").setLevel(logging.ERROR)
    with style.context(["default", _STYLE], after_reset=True), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        figure = plot.draw()
        svg, pdf = io.BytesIO(), io.BytesIO()
        figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
        figure.savefig(pdf, format="pdf", metadata={"CreationDate": None, "Creator": None, "Producer": None})
    return Drawn(plot, svg.getvalue(), pdf.getvalue())


def canvas(height: float) -> Figure:
    """An empty figure of this height in inches, as wide as all are, that finds its own margins."""
    from matplotlib.figure import Figure

    return Figure(figsize=(WIDTH, height), layout="constrained")


def label(name: str, most: int = 22) -> str:
    """A name on one short line; nothing in it can break the drawing."""
    return words.clean_line(name, most)


def rows_down(axes: Axes, names: list[str], most: int = 22) -> None:
    """Have these names at the left, the first at the top, without marks."""
    axes.set_yticks(range(len(names)), [label(name, most) for name in names])
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def legend_above(figure: Figure, axes: Axes, columns: int) -> None:
    """The axes' legend, above everything."""
    handles, names = axes.get_legend_handles_labels()
    figure.legend(
        handles, names, loc="outside upper left", ncols=columns, handletextpad=0.5, columnspacing=1.4
    )
