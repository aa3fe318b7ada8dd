"""Reliability: of the rows at 80 %, about 80 % should be right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skillstack.evaluation.intervals import wilson
from skillstack.evaluation.metrics import CalibrationError
from skillstack.reports.plots.drawing import MUTED, OWN, ROUTED, Plot, canvas
from skillstack.reports.words import points
from skillstack.store.records import Count

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def calibration_plot(router: CalibrationError, answers: CalibrationError) -> Plot:
    """The router's confidence and the answers' own probability against what was right."""
    return Plot(
        "calibration",
        "Reliability of the router's confidence and of the answers' own probability, in bins of about equal "
        "size, with 95 % intervals. On the dashed line, a confidence means what it says; above it, it is too "
        "low. The area of a dot is its number of texts.",
        f"Two diagrams of accuracy over confidence. The router's confidence is off by {points(router.ece)} "
        f"points on average, the answers' probability by {points(answers.ece)}.",
        lambda: _draw(router, answers),
    )


def _draw(router: CalibrationError, answers: CalibrationError) -> Figure:
    figure = canvas(2.9)
    left, right = figure.subplots(1, 2, sharey=True)
    _panel(left, router, "router: came to its task", ROUTED)
    _panel(right, answers, "answer: is right, own frame", OWN)
    left.set_ylabel("right, %")
    return figure


def _panel(axes: Axes, found: CalibrationError, title: str, colour: str) -> None:
    axes.plot([0, 100], [0, 100], linestyle=(0, (4, 3)), color=MUTED, linewidth=0.8)
    for one in found.bins:
        ends = wilson(Count(round(one.accuracy * one.n), one.n))
        x = 100 * one.confidence
        axes.vlines(x, 100 * ends.low, 100 * ends.high, colors=colour, linewidth=1.1)
        area = 14 + 40 * one.n / max(found.n, 1)
        axes.scatter([x], [100 * one.accuracy], s=area, color=colour, linewidths=0, zorder=3)
    axes.set_title(title, loc="left")
    axes.set_xlabel("confidence, %")
    axes.set_xlim(0, 102)
    axes.set_ylim(0, 102)
    axes.set_aspect("equal")
    axes.grid()
    axes.set_axisbelow(True)
    words = f"ECE {100 * found.ece:.1f}\nBrier {found.brier:.3f}\nn = {found.n:,}"
    axes.text(98, 4, words, ha="right", va="bottom", fontsize=7, color=MUTED)
