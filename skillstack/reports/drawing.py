"""What all plots share: colours, letters, and how a plot becomes SVG, PDF and a part of the page.

Plots are drawn in the light page's colours. Each colour stands for a role (`COLOURS`), by which `inline`
replaces it, so that one drawing serves light and dark.
"""

from __future__ import annotations

import io
import logging
import re
import warnings
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from skillstack.reports.table import clean_line

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
#: Dashes and marks that tell lines of one plot apart without colours.
DASHES: tuple[str | tuple[int, tuple[float, ...]], ...] = ("-", (0, (4, 1.5)), (0, (1.2, 1.2)))
MARKS = "osD^vPX*"
#: Width of a plot in inches: its letters can be read on a telephone, and it fits a paper.
WIDTH = 4.8
_STYLE = {
    "axes.axisbelow": True,
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
#: From this strength on, text of a heat map stands on the colour rather than on the paper.
_STRONG = 0.66
#: Up to this strength, a cell of a heat map is beside the point.
_WEAK = 0.15
#: With more columns than this, numbers would not fit into a heat map.
_MOST_NUMBERS = 16

_SVG = "{http://www.w3.org/2000/svg}"
_HREF = "{http://www.w3.org/1999/xlink}href"
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}\b")
_LETTERS = re.compile(r"'DejaVu Sans'(, *[^;]*)?")


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
    return clean_line(name, most)


def rows_down(axes: Axes, names: Sequence[str], most: int = 22) -> None:
    """Write these names at the left, the first at the top, without marks."""
    axes.set_yticks(range(len(names)), [label(name, most) for name in names])
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def line_style(place: int) -> dict[str, Any]:
    """Dashes and marks of a line, by which it is told apart without colours.

    :param place: number of the line in its plot.
    """
    return {"linestyle": DASHES[place % len(DASHES)], "marker": MARKS[place % len(MARKS)], "markersize": 3.2}


def legend_above(figure: Figure, axes: Axes, columns: int) -> None:
    """Write the axes' legend above everything."""
    handles, names = axes.get_legend_handles_labels()
    figure.legend(
        handles, names, loc="outside upper left", ncols=columns, handletextpad=0.5, columnspacing=1.4
    )


def heat_map(
    rows: Sequence[str],
    columns: Sequence[str],
    strengths: Sequence[Sequence[float]],
    texts: Sequence[Sequence[str]],
    across: str,
    outlined: Collection[tuple[int, int]],
) -> Figure:
    """A table whose cells are the darker the stronger they are.

    :param strengths: 0 to 1, by row and column.
    :param texts: what stands in the cells, where there is room.
    :param across: what the columns are.
    :param outlined: row and column of cells that stand out.
    """
    width = min(0.36, (WIDTH - 1.7) / len(columns))
    figure = canvas(1.35 + max(width, 0.24) * len(rows))
    axes = figure.add_subplot()
    for row, line in enumerate(strengths):
        for column, strength in enumerate(line):
            text = texts[row][column] if len(columns) <= _MOST_NUMBERS else ""
            _cell(axes, row, column, strength, text, outlined=(row, column) in outlined)
    axes.set_xlim(-0.52, len(columns) - 0.48)
    axes.set_ylim(len(rows) - 0.48, -0.52)
    axes.set_yticks(range(len(rows)), [label(name) for name in rows])
    axes.set_xticks(
        range(len(columns)),
        [label(name, 18) for name in columns],
        rotation=40,
        ha="left",
        rotation_mode="anchor",
    )
    axes.xaxis.tick_top()
    axes.xaxis.set_label_position("top")
    axes.set_xlabel(across)
    axes.tick_params(length=0, pad=2)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return figure


def _cell(axes: Axes, row: int, column: int, strength: float, text: str, *, outlined: bool) -> None:
    from matplotlib.patches import Rectangle

    place, side = (column - 0.47, row - 0.47), 0.94
    axes.add_patch(
        Rectangle(place, side, side, facecolor=HEAT, edgecolor="none", alpha=0.05 + 0.95 * strength)
    )
    if outlined:
        axes.add_patch(Rectangle(place, side, side, facecolor="none", edgecolor=INK, linewidth=0.9))
    if text:
        colour = ON_HEAT if strength > _STRONG else INK if outlined or strength > _WEAK else MUTED
        axes.text(column, row, text, ha="center", va="center", fontsize=7, color=colour)


def inline(one: Drawn) -> str:
    """The SVG element for the page, in the page's colours and letters.

    Ids are the plot's own, because a page holds several; what would hold beyond the drawing is left out.
    """
    root = ElementTree.fromstring(one.svg)
    _prune(root)
    for element in root.iter():
        element.tag = element.tag.removeprefix(_SVG)
        _rewrite(element, one.plot.key)
    for name in ("width", "height", "version", "id"):
        root.attrib.pop(name, None)
    root.set("role", "img")
    root.set("aria-label", one.plot.alternative)
    return ElementTree.tostring(root, encoding="unicode", short_empty_elements=False)


def _prune(root: ElementTree.Element) -> None:
    """Remove metadata and styles; comments, which may hold names, were not read."""
    for parent in list(root.iter()):
        for child in list(parent):
            tag = str(child.tag).removeprefix(_SVG)
            empty = tag == "defs" and all(str(inner.tag) == f"{_SVG}style" for inner in child)
            if tag in ("metadata", "style") or empty:
                parent.remove(child)


def _rewrite(element: ElementTree.Element, key: str) -> None:
    target = element.attrib.pop(_HREF, None)
    if target is not None:
        element.set("href", f"#{key}-{target.removeprefix('#')}")
    if "id" in element.attrib:
        element.set("id", f"{key}-{element.get('id')}")
    if "clip-path" in element.attrib:
        element.set("clip-path", str(element.get("clip-path")).replace("url(#", f"url(#{key}-"))
    style = element.get("style")
    if style is not None:
        element.set("style", _LETTERS.sub("var(--letters)", _COLOUR.sub(_variable, style)))


def _variable(found: re.Match[str]) -> str:
    return f"var(--{COLOURS[found[0].lower()]})"
