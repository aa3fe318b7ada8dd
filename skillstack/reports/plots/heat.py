"""Heat maps: a table whose cells are the darker the more they hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from skillstack.evaluation.result import Matrix, RouterScore
from skillstack.reports.plots.drawing import HEAT, INK, MUTED, ON_HEAT, WIDTH, Plot, canvas, label
from skillstack.reports.words import points

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: From this strength on, text stands on the colour rather than on the paper.
_STRONG = 0.66
#: Up to this strength, a cell is beside the point.
_WEAK = 0.15
#: With more columns than this, numbers would not fit.
_MOST_NUMBERS = 16
#: What a text that no frame takes is shown under.
NOBODY = "(nobody)"


def confusion_plot(router: RouterScore, skills: Sequence[str]) -> Plot:
    """Which skill the rows of each skill's task come to.

    :param skills: the rows' names.
    """
    columns = [name or NOBODY for name in router.skills]
    shares = [[count / max(sum(row), 1) for count in row] for row in router.confusion]
    texts = [[str(count) if count else "" for count in row] for row in router.confusion]
    return Plot(
        "confusion",
        "Where the router sends each task's texts: rows are what they are, columns where they come to, "
        "numbers are texts.",
        f"A heat map of {len(skills)} by {len(columns)} tasks; {points(router.task.accuracy)} % of the texts "
        "are on the diagonal. The table below has the figures.",
        lambda: _draw(list(skills), columns, shares, texts, "comes to", frames=_diagonal(skills, columns)),
    )


def matrix_plot(matrix: Matrix, homes: Sequence[Sequence[str]]) -> Plot:
    """Every frame's adapter under every task's head.

    :param homes: by frame, its own skills.
    """
    values = [value for row in matrix.own_head for value in row]
    low, high = min(values), max(values)
    strengths = [[(value - low) / ((high - low) or 1.0) for value in row] for row in matrix.own_head]
    texts = [[f"{100 * value:.0f}" for value in row] for row in matrix.own_head]
    own = {
        (row, column)
        for row, skills in enumerate(homes)
        for column, skill in enumerate(matrix.tasks)
        if skill in skills
    }
    return Plot(
        "matrix",
        "Every frame's adapter (rows, oldest first) under every task's own head (columns): accuracy in "
        "percent. Outlined: a task's own frame.",
        f"A heat map of {len(matrix.frames)} frames by {len(matrix.tasks)} tasks, from {points(low)} % to "
        f"{points(high)} %. The table below has the figures.",
        lambda: _draw(list(matrix.frames), list(matrix.tasks), strengths, texts, "under the head of", own),
    )


def _diagonal(rows: Sequence[str], columns: Sequence[str]) -> set[tuple[int, int]]:
    return {(r, c) for r, row in enumerate(rows) for c, column in enumerate(columns) if row == column}


def _draw(
    rows: list[str],
    columns: list[str],
    strengths: list[list[float]],
    texts: list[list[str]],
    across: str,
    frames: set[tuple[int, int]],
) -> Figure:
    cell = min(0.36, (WIDTH - 1.7) / len(columns))
    figure = canvas(1.35 + max(cell, 0.24) * len(rows))
    axes = figure.add_subplot()
    for row, line in enumerate(strengths):
        for column, strength in enumerate(line):
            text = texts[row][column] if len(columns) <= _MOST_NUMBERS else ""
            _cell(axes, row, column, strength, text, framed=(row, column) in frames)
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


def _cell(axes: Axes, row: int, column: int, strength: float, text: str, *, framed: bool) -> None:
    from matplotlib.patches import Rectangle

    place, side = (column - 0.47, row - 0.47), 0.94
    axes.add_patch(
        Rectangle(place, side, side, facecolor=HEAT, edgecolor="none", alpha=0.05 + 0.95 * strength)
    )
    if framed:
        axes.add_patch(Rectangle(place, side, side, facecolor="none", edgecolor=INK, linewidth=0.9))
    if text:
        colour = ON_HEAT if strength > _STRONG else INK if framed or strength > _WEAK else MUTED
        axes.text(column, row, text, ha="center", va="center", fontsize=7, color=colour)
