"""What could not be measured, or not as it was asked for."""

from __future__ import annotations

from skillstack.evaluation.result import TITLES
from skillstack.reports.material import Material
from skillstack.reports.section import Section
from skillstack.reports.table import Cell, Table, count, name_column, number_column, text
from skillstack.wording import many

#: A longer table is folded in.
MOST_ROWS = 12


def gaps_section(material: Material) -> Section:
    """Skipped tasks and why, ways to answer that a task lacks, labels with fewer rows than asked, other rows.

    Reasons hold no path of the machine; `skillstack.evaluation` sees to that.
    """
    e = material.evaluation
    words: list[str] = []
    tables: list[Table] = []
    if e.skipped:
        columns = (name_column("task"), name_column("why"))
        rows = tuple((text(task), text(why)) for task, why in e.skipped.items())
        tables.append(Table("skipped", "Tasks that were not evaluated", columns, rows))
    if any(task.unmeasured for task in e.tasks):
        tables.append(_unmeasured(material))
    if any(task.fewer for task in e.tasks):
        tables.append(_fewer(material))
        labels = many(len(tables[-1].rows), "label")
        if e.per_class is None:
            words.append(f"Of {labels} there is no test row, so nothing here says how well they are known.")
        else:
            words.append(f"Of {labels} there are fewer test rows than the {e.per_class} that were asked for.")
    known = {task.skill for task in e.tasks} | set(e.skipped)
    left = [skill for frame in material.frames for skill in frame.skills if skill not in known]
    if left:
        words.append(f"Not asked for: {', '.join(left)}.")
    others = [task.skill for task in e.tasks if task.other_rows]
    if others:
        words.append(f"The rows here are others than those that the skill was taught: {', '.join(others)}.")
    if not tables and not words:
        asked = "all test rows" if e.per_class is None else f"{e.per_class} test rows of each label"
        words.append(f"Nothing: every task of the stack was evaluated, with {asked}.")
    shown = sum(len(table.rows) <= MOST_ROWS for table in tables)
    return Section("gaps", "What is missing", tuple(words), tables=tuple(tables), shown=shown, measured=False)


def _unmeasured(material: Material) -> Table:
    columns = (name_column("task"), name_column("answered by", "mode"), name_column("why"))
    rows = tuple(
        (text(task.skill), Cell((mode,), TITLES[mode]), text(why))
        for task in material.evaluation.tasks
        for mode, why in task.unmeasured.items()
    )
    return Table("unmeasured", "Ways to answer that could not be measured", columns, rows)


def _fewer(material: Material) -> Table:
    e = material.evaluation
    columns = (
        name_column("task"),
        name_column("label"),
        number_column("test rows", "rows"),
        number_column("asked for", "asked"),
    )
    asked = Cell((None,), "all") if e.per_class is None else count(e.per_class)
    rows = tuple(
        (text(task.skill), text(label), count(rows), asked)
        for task in e.tasks
        for label, rows in task.fewer.items()
    )
    return Table("fewer", "Labels with fewer test rows than were asked for", columns, rows)
