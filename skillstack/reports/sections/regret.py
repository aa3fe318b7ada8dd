"""What routing costs, and where it comes from."""

from __future__ import annotations

from skillstack.reports.material import Material
from skillstack.reports.plots.regret import PARTS, regret_plot
from skillstack.reports.section import Section
from skillstack.reports.table import Cell, Table, count, name_column, number_column, share, text


def regret_section(material: Material) -> Section:
    """Regret by task, split by skill and answer."""
    e, r = material.evaluation, material.evaluation.regret
    columns = (
        name_column("task"),
        number_column("regret, points", "regret", interval=True),
        *[number_column(f"{words}, %", field) for field, words, _ in PARTS],
        number_column("lost texts", "lost"),
        number_column("gained texts", "gained"),
    )
    rows = [
        (
            text(task.skill),
            Cell(
                (round(task.regret.difference, 6), None, None), share(task.regret.difference, sign=True).text
            ),
            *[share(getattr(task.regret, field) / task.n) for field, _, _ in PARTS],
            count(task.regret.lost),
            count(task.regret.gained),
        )
        for task in e.tasks
    ]
    rows.append(
        (
            text("mean over tasks"),
            share(r.difference, r.interval, sign=True),
            *[share(getattr(r, field)) for field, _, _ in PARTS],
            count(sum(task.regret.lost for task in e.tasks)),
            count(sum(task.regret.gained for task in e.tasks)),
        )
    )
    note = (
        "Regret: accuracy with the task given minus routed accuracy. Lost: texts that their own frame would "
        "have answered rightly; gained: texts that a wrong frame answered rightly and their own would not. "
        "In the last row, these are sums."
    )
    return Section(
        "regret",
        "What routing costs",
        plots=(regret_plot(e),),
        tables=(Table("regret", "Regret by task", columns, tuple(rows), note),),
    )
