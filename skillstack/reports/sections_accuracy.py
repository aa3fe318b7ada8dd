"""How good each way to answer is, by task and over all tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skillstack.evaluation.intervals import Interval
from skillstack.evaluation.result import MODES, TITLES, Evaluation, TaskEvaluation
from skillstack.reports.drawing import FROZEN, GRID, LATEST, MUTED, OWN, ROUTED, Plot, canvas, rows_down
from skillstack.reports.material import Material
from skillstack.reports.page import Section
from skillstack.reports.table import (
    Column,
    ReportTable,
    TableCell,
    change_cell,
    count,
    missing,
    name_column,
    number_column,
    p_cell,
    share,
    text,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: What is told of the ways to answer, as a person would not know it.
_WORDS = (
    "“Its own frame” is given the task of each text; “routed” is not: the router picks the frame. “Latest "
    "adapter” is each task's own head over the newest frame's adapter, “linear head, frozen base” a logistic "
    "head on the base without any adapter, “most frequent label” what needs no model at all. Over all tasks, "
    "every task weighs the same."
)
#: Colour and mark of each way to answer. The most frequent label is so far below that the rest would shrink.
_MODE_MARKS = {
    "task_aware": (OWN, "o"),
    "routed": (ROUTED, "D"),
    "latest_adapter": (LATEST, "s"),
    "frozen_linear": (FROZEN, "^"),
}


def accuracy_section(material: Material) -> Section:
    """Accuracy by task and way to answer, over all tasks, and what is better than what."""
    e = material.evaluation
    tables = (_overall(e), _differences(e), _by_task(e))
    return Section("accuracy", "Accuracy", (_WORDS,), (_accuracy_plot(e),), tables, shown=3)


def _overall(e: Evaluation) -> ReportTable:
    columns = (
        name_column("answered by", "mode"),
        number_column("accuracy, %", "accuracy", interval=True),
        number_column("macro-F1, %", "macro_f1"),
        number_column("texts", "n"),
        number_column("tasks", "tasks"),
    )
    starred = e.sequential is False and "latest_adapter" in e.modes
    rows = tuple(
        (
            TableCell((mode,), TITLES[mode] + (" *" if starred and mode == "latest_adapter" else "")),
            share(score.accuracy, score.interval),
            share(score.macro_f1),
            count(score.n),
            count(score.tasks),
        )
        for mode, score in e.modes.items()
    )
    note = "Small: 95 % bootstrap interval."
    if starred:
        note += " * Not a sequential baseline: not every frame of this stack started from its parent."
    partly = [TITLES[mode] for mode, score in e.modes.items() if score.tasks < len(e.tasks)]
    if partly:
        note += (
            f" Not measured on every task: {', '.join(partly)}. Their figures are means over fewer tasks; "
            "compare them by the differences alone, which are of the same texts."
        )
    lacking = [TITLES[mode] for mode in MODES if mode not in e.modes]
    if lacking:
        note += f" Not measured on any task: {', '.join(lacking)}."
    return ReportTable("modes", "Over all tasks", columns, rows, note)


def _differences(e: Evaluation) -> ReportTable:
    columns = (
        name_column("first"),
        name_column("second"),
        number_column("first − second, points", "difference", interval=True),
        number_column("p", "p"),
        number_column("only first right", "only_first"),
        number_column("only second right", "only_second"),
        number_column("tasks", "tasks"),
    )
    rows = tuple(
        (
            TableCell((first,), TITLES[first]),
            TableCell((second,), TITLES[second]),
            change_cell(found),
            p_cell(found.p),
            count(found.only_first),
            count(found.only_second),
            count(len(e.having(first, second))),
        )
        for (first, second), found in e.differences.items()
    )
    note = "On the same texts. Small: 95 % paired bootstrap interval; p: exact McNemar test over all texts."
    return ReportTable("differences", "Differences", columns, rows, note)


def _by_task(e: Evaluation) -> ReportTable:
    modes = [mode for mode in MODES if any(mode in task.answers for task in e.tasks)]
    columns = (
        name_column("task"),
        name_column("family"),
        number_column("texts", "n"),
        *[number_column(TITLES[mode], mode, interval=True) for mode in modes],
    )
    rows = tuple(
        (
            text(task.skill),
            text(task.family),
            count(task.n),
            *[_answers(task, mode, column) for mode, column in zip(modes, columns[3:], strict=True)],
        )
        for task in e.tasks
    )
    note = "Small: 95 % score interval (Wilson)."
    return ReportTable("accuracy", "Accuracy by task, %", columns, rows, note)


def _answers(task: TaskEvaluation, mode: str, column: Column) -> TableCell:
    if mode not in task.answers:
        return missing(column)
    answers = task.answers[mode]
    return share(answers.count.accuracy, answers.interval)


def _accuracy_plot(e: Evaluation) -> Plot:
    whole = {mode: score for mode, score in e.modes.items() if score.tasks == len(e.tasks)}
    best = max(whole, key=lambda mode: whole[mode].accuracy)
    return Plot(
        "accuracy",
        "Accuracy by task with 95 % intervals; the last row is the mean over tasks.",
        f"Dots with intervals for each task and way to answer; over all tasks {TITLES[best]} is highest. "
        "The table below has the figures.",
        lambda: _draw(e),
    )


def _draw(e: Evaluation) -> Figure:
    """One row a task, one mark and one interval for each way to answer."""
    from matplotlib.ticker import MaxNLocator

    modes = [mode for mode in _MODE_MARKS if any(mode in task.answers for task in e.tasks)]
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
        _dots(axes, points, mode)
    for row in range(1, len(names)):
        last = row == len(e.tasks)
        axes.axhline(row - 0.5, color=MUTED if last else GRID, linewidth=0.8 if last else 0.5)
    rows_down(axes, names)
    axes.get_yticklabels()[-1].set_fontweight("bold")
    axes.xaxis.set_major_locator(MaxNLocator(8, steps=[1, 2, 5, 10]))
    axes.grid(axis="x")
    axes.set_xlabel("accuracy, %")
    figure.legend(loc="outside upper left", ncols=len(modes), handletextpad=0.3, columnspacing=1.2)
    return figure


def _dots(axes: Axes, points: list[tuple[float, float, Interval]], mode: str) -> None:
    """Marks with intervals, in percent.

    :param points: of each the height, the accuracy and its interval.
    """
    colour, mark = _MODE_MARKS[mode]
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
