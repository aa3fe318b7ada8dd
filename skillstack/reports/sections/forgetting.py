"""What would have been forgotten without frames."""

from __future__ import annotations

from skillstack.evaluation.result import Evaluation
from skillstack.evaluation.statistics import Paired, paired
from skillstack.reports.material import Material
from skillstack.reports.plots.forgetting import forgetting_plot
from skillstack.reports.section import Section
from skillstack.reports.table import Table, missing, name_column, number_column, share, text
from skillstack.reports.words import points


def losses(evaluation: Evaluation) -> list[Paired | None]:
    """By task, its own frame minus the newest adapter on the same texts; None where nothing came after."""
    return [
        None
        if lost is None
        else paired([(task.answers["task_aware"].right, task.answers["latest_adapter"].right)])
        for task, lost in zip(evaluation.tasks, evaluation.forgetting.per_task, strict=True)
    ]


def forgetting_section(material: Material) -> Section:
    """Forgetting of the newest adapter, by task."""
    e, mean = material.evaluation, material.evaluation.forgetting.mean
    if mean is None:
        what = "its only task" if len(e.tasks) == 1 else "the tasks of the newest frame"
        return Section("forgetting", "Forgetting", (f"Nothing came after {what}.",), measured=False)
    lost = losses(e)
    last = number_column("lost, points", "lost", interval=True)
    columns = (
        name_column("task"),
        number_column("its own frame, %", "learned"),
        number_column("newest adapter, %", "final"),
        last,
    )
    rows = tuple(
        (
            text(task.skill),
            share(task.answers["task_aware"].count.accuracy),
            share(task.answers["latest_adapter"].count.accuracy),
            missing(last) if one is None else share(one.difference, one.interval, sign=True),
        )
        for task, one in zip(e.tasks, lost, strict=True)
    )
    still = "A frame never changes once it is learned, so the stack itself forgets nothing."
    if material.compressed:
        still = (
            "Frames of this stack were merged or cut: their tasks are compared as they are answered since "
            "then, and what that cost is not in here."
        )
    words = (
        f"{still} This is what the newest adapter alone would have lost under each task's own head: "
        f"{points(mean)} points on average over the tasks before the newest frame's."
    )
    if e.sequential is False:
        words += " It is not a sequential baseline: not every frame started from its parent."
    return Section(
        "forgetting",
        "Forgetting",
        (words,),
        (
            forgetting_plot(
                [task.skill for task, one in zip(e.tasks, lost, strict=True) if one is not None],
                [one for one in lost if one is not None],
                mean,
            ),
        ),
        (Table("forgetting", "Forgetting by task", columns, rows, "Small: 95 % paired bootstrap interval."),),
    )
