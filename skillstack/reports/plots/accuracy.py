"""Accuracy side by side: one row a task, one mark and one interval for each way to answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skillstack.evaluation.intervals import Interval
from skillstack.evaluation.result import TITLES, Evaluation
from skillstack.reports.plots.drawing import FROZEN, GRID, LATEST, MUTED, OWN, ROUTED, Plot, canvas, rows_down

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Colour and mark of each way to answer. The most frequent label is so far below that the rest would shrink.
MARKS = {
    "task_aware": (OWN, "o"),
    "routed": (ROUTED, "D"),
    "latest_adapter": (LATEST, "s"),
    "frozen_linear": (FROZEN, "^"),
}


def accuracy_plot(evaluation: Evaluation) -> Plot:
    """Accuracy by task, and over all tasks."""
    whole = {m: score for m, score in evaluation.modes.items() if score.tasks == len(evaluation.tasks)}
    best = max(whole, key=lambda mode: whole[mode].accuracy)
    return Plot(
        "accuracy",
        "Accuracy by task with 95 % intervals; the last row is the mean over tasks.",
        f"Dots with intervals for each task and way to answer; over all tasks {TITLES[best]} is highest. "
        "The table below has the figures.",
        lambda: _draw(evaluation),
    )


def _draw(evaluation: Evaluation) -> Figure:
    from matplotlib.ticker import MaxNLocator

    e = evaluation
    modes = [mode for mode in MARKS if any(mode in task.answers for task in e.tasks)]
    names = [task.skill for task in e.tasks] + ["mean over tasks"]
    figure = canvas(0.75 + 0.14 * (len(modes) + 1.2) * len(names))
    axes = figure.add_subplot()
    for place, mode in enumerate(modes):
        offset = (place - (len(modes) - 1) / 2) * 0.8 / max(len(modes), 1)
        points = [
            (row + offset, task.answers[mode].count.accuracy, task.answers[mode].interval)
            for row, task in enumerate(e.tasks)
            if mode in task.answers
        ]
        # A mean over fewer tasks does not belong beside the others.
        if mode in e.modes and e.modes[mode].tasks == len(e.tasks):
            points.append((len(e.tasks) + offset, e.modes[mode].accuracy, e.modes[mode].interval))
        dots(axes, points, mode)
    for row in range(1, len(names)):
        last = row == len(e.tasks)
        axes.axhline(row - 0.5, color=MUTED if last else GRID, linewidth=0.8 if last else 0.5)
    rows_down(axes, names)
    axes.get_yticklabels()[-1].set_fontweight("bold")
    axes.xaxis.set_major_locator(MaxNLocator(8, steps=[1, 2, 5, 10]))
    axes.grid(axis="x")
    axes.set_axisbelow(True)
    axes.set_xlabel("accuracy, %")
    figure.legend(loc="outside upper left", ncols=len(modes), handletextpad=0.3, columnspacing=1.2)
    return figure


def dots(axes: Axes, points: list[tuple[float, float, Interval]], mode: str) -> None:
    """Marks with intervals, in percent.

    :param points: of each the height, the accuracy and its interval.
    """
    colour, mark = MARKS[mode]
    axes.hlines(
        [height for height, _, _ in points],
        [100 * interval.low for _, _, interval in points],
        [100 * interval.high for _, _, interval in points],
        colors=colour,
        linewidth=1.3,
    )
    axes.plot(
        [100 * value for _, value, _ in points],
        [height for height, _, _ in points],
        linestyle="none",
        marker=mark,
        markersize=4.2,
        color=colour,
        label=TITLES[mode],
    )
