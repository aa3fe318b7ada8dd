"""What the newest adapter has forgotten of each task."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from skillstack.evaluation.statistics import Paired
from skillstack.reports.plots.drawing import INK, LATEST, MUTED, Plot, canvas, rows_down
from skillstack.reports.words import points

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def forgetting_plot(tasks: Sequence[str], lost: Sequence[Paired], mean: float) -> Plot:
    """Accuracy that each task loses where the newest adapter answers in place of its own.

    :param lost: by task.
    :param tasks: that something came after, by their skills.
    :param mean: over them.
    """
    return Plot(
        "forgetting",
        "What the newest adapter alone would have forgotten of each task, with 95 % intervals: points below "
        "the task's own frame.",
        f"Bars with intervals, one a task; the mean over the earlier tasks is {points(mean)} points.",
        lambda: _draw(tasks, lost),
    )


def _draw(tasks: Sequence[str], lost: Sequence[Paired]) -> Figure:
    figure = canvas(0.55 + 0.27 * len(tasks))
    axes = figure.add_subplot()
    places = range(len(tasks))
    axes.barh(places, [100 * one.difference for one in lost], height=0.6, color=LATEST)
    axes.hlines(
        list(places),
        [100 * one.interval.low for one in lost],
        [100 * one.interval.high for one in lost],
        colors=INK,
        linewidth=0.9,
    )
    axes.axvline(0, color=MUTED, linewidth=0.8)
    rows_down(axes, list(tasks))
    axes.set_xlabel("accuracy lost, points")
    axes.grid(axis="x")
    axes.set_axisbelow(True)
    return figure
