"""What would have been forgotten without frames."""

from __future__ import annotations

from skillstack.evaluation.paired import Paired, paired
from skillstack.evaluation.result import Evaluation
from skillstack.reports.material import Material
from skillstack.reports.plots.forgetting import forgetting_plot
from skillstack.reports.section import Section
from skillstack.reports.table import Table, name_column, number_column, share, text
from skillstack.reports.words import points


def losses(evaluation: Evaluation) -> list[Paired]:
    """By task, its own frame minus the newest adapter on the same texts."""
    return [
        paired([(task.answers["task_aware"].right, task.answers["latest_adapter"].right)])
        for task in evaluation.tasks
    ]


def forgetting_section(material: Material) -> Section:
    """Forgetting of the newest adapter, by task."""
    e = material.evaluation
    lost = losses(e)
    columns = (
        name_column("task"),
        number_column("its own frame, %", "learned"),
        number_column("newest adapter, %", "final"),
        number_column("lost, points", "lost", interval=True),
    )
    rows = tuple(
        (
            text(task.task),
            share(task.answers["task_aware"].count.accuracy),
            share(task.answers["latest_adapter"].count.accuracy),
            share(one.difference, one.interval, sign=True),
        )
        for task, one in zip(e.tasks, lost, strict=True)
    )
    last = "Nothing came after its only task." if len(e.tasks) == 1 else ""
    words = last or (
        "A frame never changes once it is learned, so the stack itself forgets nothing. This is what the "
        "newest adapter alone would have lost under each task's own head: "
        f"{points(e.forgetting.mean)} points on average over the tasks before the last."
    )
    if not e.sequential and not last:
        words += " It is not a sequential baseline: not every frame started from its parent."
    return Section(
        "forgetting",
        "Forgetting",
        (words,),
        (forgetting_plot([task.task for task in e.tasks], lost, e.forgetting.mean),),
        (Table("forgetting", "Forgetting by task", columns, rows, "Small: 95 % paired bootstrap interval."),),
    )
