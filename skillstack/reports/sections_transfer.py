"""What one frame's adapter is worth on another's task: forgetting, redundancy and transfer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from skillstack.evaluation.result import Matrix
from skillstack.evaluation.statistics import Paired
from skillstack.reports.drawing import INK, LATEST, MUTED, Plot, canvas, heat_map, rows_down
from skillstack.reports.material import Material
from skillstack.reports.page import Section
from skillstack.reports.table import ReportTable, change_cell, name_column, number_column, points, share, text

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def forgetting_section(material: Material) -> Section:
    """Forgetting of the newest adapter, by task."""
    e, mean = material.evaluation, material.evaluation.forgetting.mean
    if mean is None:
        what = "its only task" if len(e.tasks) == 1 else "the tasks of the newest frame"
        return Section("forgetting", "Forgetting", (f"Nothing came after {what}.",), measured=False)
    columns = (
        name_column("task"),
        number_column("its own frame, %", "learned"),
        number_column("newest adapter, %", "final"),
        number_column("lost, points", "lost", interval=True),
    )
    rows = tuple(
        (
            text(task.skill),
            share(task.answers["task_aware"].count.accuracy),
            share(task.answers["latest_adapter"].count.accuracy),
            change_cell(lost),
        )
        for task, lost in zip(e.tasks, material.losses, strict=True)
    )
    still = "A frame never changes once it is learned, so the stack itself forgets nothing."
    if material.compressed:
        still = (
            "Frames of this stack were merged or cut. Their tasks are compared as they have been answered "
            "since then, and the cost of compression is not included."
        )
    words = (
        f"{still} This is what the newest adapter alone would have lost under each task's own head: "
        f"{points(mean)} points on average over the tasks before the newest frame's."
    )
    if e.sequential is False:
        words += " It is not a sequential baseline: not every frame started from its parent."
    note = "Small: 95 % paired bootstrap interval."
    return Section(
        "forgetting",
        "Forgetting",
        (words,),
        (_forgetting_plot(material, mean),),
        (ReportTable("forgetting", "Forgetting by task", columns, rows, note),),
    )


def matrix_section(material: Material) -> Section | None:
    """Every frame on every task, where that was asked."""
    matrix = material.evaluation.matrix
    if matrix is None:
        return None
    skills = {frame.name: frame.skills for frame in material.frames}
    own = {
        (row, column)
        for row, frame in enumerate(matrix.frames)
        for column, task in enumerate(matrix.tasks)
        if task in skills.get(frame, ())
    }
    tables = [_table(matrix, "matrix", "A frame's adapter under the task's own head, %", matrix.own_head)]
    crossed = any(
        value is not None and (row, column) not in own
        for row, line in enumerate(matrix.frame_head)
        for column, value in enumerate(line)
    )
    if crossed:
        title = "A frame as it is, with its own head, on tasks of the same labels, %"
        tables.append(_table(matrix, "matrix_frames", title, matrix.frame_head))
    return Section(
        "matrix",
        "Every frame on every task",
        (
            "The outlined cells are the stack's own answers. A high figure elsewhere says that a frame's "
            "adapter would serve another task as well, so the two are candidates for merging.",
        ),
        (_matrix_plot(matrix, own),),
        tuple(tables),
        shown=2,
    )


def _table(matrix: Matrix, key: str, title: str, values: Sequence[Sequence[float | None]]) -> ReportTable:
    columns = (
        name_column("frame"),
        name_column("family"),
        *[number_column(task, task) for task in matrix.tasks],
    )
    rows = tuple(
        (text(frame), text(family), *[share(value) for value in row])
        for frame, family, row in zip(matrix.frames, matrix.families, values, strict=True)
    )
    return ReportTable(key, title, columns, rows)


def _forgetting_plot(material: Material, mean: float) -> Plot:
    tasks = zip(material.evaluation.tasks, material.losses, strict=True)
    lost = {task.skill: one for task, one in tasks if one is not None}
    return Plot(
        "forgetting",
        "What the newest adapter alone would have forgotten of each task, with 95 % intervals: points below "
        "the task's own frame.",
        f"Bars with intervals, one a task; the mean over the earlier tasks is {points(mean)} points.",
        lambda: _draw_forgetting(list(lost), list(lost.values())),
    )


def _draw_forgetting(tasks: Sequence[str], lost: Sequence[Paired]) -> Figure:
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
    rows_down(axes, tasks)
    axes.set_xlabel("accuracy lost, points")
    axes.grid(axis="x")
    return figure


def _matrix_plot(matrix: Matrix, own: set[tuple[int, int]]) -> Plot:
    values = [value for row in matrix.own_head for value in row]
    low, high = min(values), max(values)
    strengths = [[(value - low) / ((high - low) or 1.0) for value in row] for row in matrix.own_head]
    texts = [[f"{100 * value:.0f}" for value in row] for row in matrix.own_head]
    return Plot(
        "matrix",
        "Every frame's adapter (rows, oldest first) under every task's own head (columns): accuracy in "
        "percent. Outlined: a task's own frame.",
        f"A heat map of {len(matrix.frames)} frames by {len(matrix.tasks)} tasks, from {points(low)} % to "
        f"{points(high)} %. The table below has the figures.",
        lambda: heat_map(matrix.frames, matrix.tasks, strengths, texts, "under the head of", own),
    )
