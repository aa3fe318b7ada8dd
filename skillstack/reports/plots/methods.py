"""Methods side by side, and how their accuracy went while they learned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from skillstack.evaluation.metrics import macro
from skillstack.reports.plots.drawing import (
    FROZEN,
    INK,
    LATEST,
    LOST,
    MUTED,
    OWN,
    ROUTED,
    SAVED,
    WRONG,
    Plot,
    canvas,
    legend_above,
    rows_down,
)
from skillstack.reports.standings import Curve, Standing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: The method that stands out.
OURS = "skillstack"
_COLOURS = (LATEST, FROZEN, ROUTED, WRONG, SAVED, LOST, MUTED, INK)
_DASHES: tuple[str | tuple[int, tuple[float, ...]], ...] = ("-", (0, (4, 1.5)), (0, (1.2, 1.2)))
_MARKS = "osD^vPX*"


def leaderboard_plot(standings: Sequence[Standing]) -> Plot:
    """Accuracy of every method with its interval."""
    return Plot(
        "methods",
        "Methods on the same data, base and budget: accuracy with the task given, mean over tasks and runs, "
        "with 95 % intervals.",
        "Dots with intervals, one row a method. The table below has the figures.",
        lambda: _leaderboard(standings),
    )


def curves_plot(curves: Sequence[Curve]) -> Plot:
    """Learning and forgetting: mean accuracy on what was learned so far, and accuracy of the first task."""
    return Plot(
        "curves",
        "Learning and forgetting in the order of the preset, mean over seeds: on the left accuracy on all "
        "tasks learned so far, on the right on the first task alone.",
        "Lines over the number of tasks learned, one a method. A line that falls on the right forgets.",
        lambda: _curves(_by_method(curves)),
    )


def _leaderboard(standings: Sequence[Standing]) -> Figure:
    several = len({one.order for one in standings}) > 1
    names = [one.title if not several else f"{one.title}, {one.order}" for one in standings]
    figure = canvas(0.55 + 0.24 * len(names))
    axes = figure.add_subplot()
    for row, one in enumerate(standings):
        colour = OWN if one.method == OURS else MUTED
        axes.hlines(row, 100 * one.interval.low, 100 * one.interval.high, colors=colour, linewidth=1.4)
        axes.plot([100 * one.accuracy], [row], marker="o", markersize=4.6, color=colour)
    rows_down(axes, names, 36)
    for tick, one in zip(axes.get_yticklabels(), standings, strict=True):
        tick.set_fontweight("bold" if one.method == OURS else "normal")
    axes.set_xlabel("accuracy, %")
    axes.grid()
    axes.set_axisbelow(True)
    return figure


def _by_method(curves: Sequence[Curve]) -> Mapping[str, list[Curve]]:
    """Those of the preset's own order; of another one where that was not run."""
    orders = sorted({curve.order for curve in curves}, key=lambda order: (order != "forward", order))
    found: dict[str, list[Curve]] = {}
    for curve in curves:
        if curve.order == orders[0]:
            found.setdefault(curve.method, []).append(curve)
    return dict(sorted(found.items(), key=lambda item: (item[0] != OURS, item[0])))


def _curves(methods: Mapping[str, list[Curve]]) -> Figure:
    from matplotlib.ticker import MaxNLocator

    figure = canvas(2.9)
    left, right = figure.subplots(1, 2, sharey=True)
    for place, (method, runs) in enumerate(methods.items()):
        steps = range(1, 1 + min(len(run.accuracies) for run in runs))
        learned = [macro([macro(run.accuracies[k - 1][:k]) for run in runs]) for k in steps]
        first = [macro([run.accuracies[k - 1][0] for run in runs]) for k in steps]
        colour = OWN if method == OURS else _COLOURS[(place - 1) % len(_COLOURS)]
        look = {
            "color": colour,
            "linewidth": 1.8 if method == OURS else 1.1,
            "linestyle": "-" if method == OURS else _DASHES[place % len(_DASHES)],
            "marker": _MARKS[place % len(_MARKS)],
            "markersize": 3.2,
        }
        left.plot(steps, [100 * value for value in learned], label=method, **look)
        right.plot(steps, [100 * value for value in first], **look)
    left.set_title("all tasks learned so far", loc="left")
    right.set_title("the first task", loc="left")
    left.set_ylabel("accuracy, %")
    for axes in (left, right):
        axes.set_xlabel("tasks learned")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid()
        axes.set_axisbelow(True)
    legend_above(figure, left, 4)
    return figure
