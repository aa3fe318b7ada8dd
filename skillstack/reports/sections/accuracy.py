"""How good each way to answer is."""

from __future__ import annotations

from skillstack.evaluation.result import MODES, TITLES, Evaluation, TaskEvaluation
from skillstack.reports.material import Material
from skillstack.reports.plots.accuracy import accuracy_plot
from skillstack.reports.section import Section
from skillstack.reports.table import (
    Cell,
    Column,
    Table,
    count,
    missing,
    name_column,
    number_column,
    share,
    text,
)
from skillstack.wording import chance

#: What is told of the ways to answer, as a person would not know it.
_WORDS = (
    "“Its own frame” is given the task of each text; “routed” is not: the router picks the frame. “Latest "
    "adapter” is each task's own head over the newest frame's adapter, “linear head, frozen base” a logistic "
    "head on the base without any adapter, “most frequent label” what needs no model at all. Over all tasks, "
    "every task weighs the same."
)


def accuracy_section(material: Material) -> Section:
    """Accuracy by task and way to answer, over all tasks, and what is better than what."""
    e = material.evaluation
    return Section(
        "accuracy",
        "Accuracy",
        (_WORDS,),
        (accuracy_plot(e),),
        (_overall(e), _differences(e), _by_task(e)),
        shown=3,
    )


def _overall(e: Evaluation) -> Table:
    columns = (
        name_column("answered by", "mode"),
        number_column("accuracy, %", "accuracy", interval=True),
        number_column("macro-F1, %", "macro_f1"),
        number_column("texts", "n"),
        number_column("tasks", "tasks"),
    )
    rows = tuple(
        (
            Cell((mode,), _name(e, mode)),
            share(score.accuracy, score.interval),
            share(score.macro_f1),
            count(score.n),
            count(score.tasks),
        )
        for mode, score in e.modes.items()
    )
    note = "Small: 95 % bootstrap interval."
    if e.sequential is False and "latest_adapter" in e.modes:
        note += " * Not a sequential baseline: not every frame of this stack started from its parent."
    partly = [TITLES[mode] for mode, score in e.modes.items() if score.tasks < len(e.tasks)]
    if partly:
        note += (
            f" Not measured on every task: {', '.join(partly)}. Their figures are means over fewer tasks, to "
            "be held against others by the differences alone: those are of the same texts."
        )
    lacking = [TITLES[mode] for mode in MODES if mode not in e.modes]
    if lacking:
        note += f" Not measured on any task: {', '.join(lacking)}."
    return Table("modes", "Over all tasks", columns, rows, note)


def _name(e: Evaluation, mode: str) -> str:
    return TITLES[mode] + (" *" if mode == "latest_adapter" and e.sequential is False else "")


def _differences(e: Evaluation) -> Table:
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
            Cell((first,), TITLES[first]),
            Cell((second,), TITLES[second]),
            share(found.difference, found.interval, sign=True),
            Cell((found.p,), chance(found.p).removeprefix("p ").removeprefix("= ")),
            count(found.only_first),
            count(found.only_second),
            count(len(e.having(first, second))),
        )
        for (first, second), found in e.differences.items()
    )
    note = "On the same texts. Small: 95 % paired bootstrap interval; p: exact McNemar test over all texts."
    return Table("differences", "Differences", columns, rows, note)


def _by_task(e: Evaluation) -> Table:
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
    return Table("accuracy", "Accuracy by task, %", columns, rows, "Small: 95 % score interval (Wilson).")


def _answers(task: TaskEvaluation, mode: str, column: Column) -> Cell:
    if mode not in task.answers:
        return missing(column)
    answers = task.answers[mode]
    return share(answers.count.accuracy, answers.interval)
