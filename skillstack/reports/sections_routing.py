"""Where the router sends texts, what that costs, and whether its confidence can be believed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skillstack.evaluation.intervals import DIGITS, wilson
from skillstack.evaluation.metrics import CalibrationError
from skillstack.evaluation.result import Evaluation
from skillstack.reports.drawing import (
    BEST,
    LOST,
    MUTED,
    OWN,
    ROUTED,
    SAVED,
    WRONG,
    Plot,
    canvas,
    heat_map,
    legend_above,
    rows_down,
)
from skillstack.reports.material import Material
from skillstack.reports.page import Section
from skillstack.reports.table import (
    Column,
    ReportTable,
    TableCell,
    between,
    count,
    name_column,
    number_cell,
    number_column,
    points,
    share,
    text,
)
from skillstack.store.records import Count

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: What becomes of routed texts: field, words, colour, from left to right in a bar.
_PARTS = (
    ("right_skill_right_answer", "right skill, right answer", BEST),
    ("wrong_skill_right_answer", "wrong skill, right answer", SAVED),
    ("right_skill_wrong_answer", "right skill, wrong answer", WRONG),
    ("wrong_skill_wrong_answer", "wrong skill, wrong answer", LOST),
)
#: What a text that no frame takes is shown under.
_NOBODY = "(nobody)"


def regret_section(material: Material) -> Section:
    """Regret by task, split by skill and answer."""
    e, r = material.evaluation, material.evaluation.regret
    columns = (
        name_column("task"),
        number_column("regret, points", "regret", interval=True),
        *[number_column(f"{words}, %", field) for field, words, _ in _PARTS],
        number_column("lost texts", "lost"),
        number_column("gained texts", "gained"),
    )
    rows = [
        (
            text(task.skill),
            TableCell(
                (round(task.regret.difference, DIGITS), None, None), points(task.regret.difference, sign=True)
            ),
            *[share(getattr(task.regret, field) / task.n) for field, _, _ in _PARTS],
            count(task.regret.lost),
            count(task.regret.gained),
        )
        for task in e.tasks
    ]
    rows.append(
        (
            text("mean over tasks"),
            share(r.difference, r.interval, sign=True),
            *[share(getattr(r, field)) for field, _, _ in _PARTS],
            count(sum(task.regret.lost for task in e.tasks)),
            count(sum(task.regret.gained for task in e.tasks)),
        )
    )
    note = (
        "Regret is accuracy with the task given minus routed accuracy. Lost texts would have been answered "
        "rightly by their own frame; gained texts were answered rightly by a wrong frame only. The last row "
        "has their sums."
    )
    return Section(
        "regret",
        "What routing costs",
        plots=(_regret_plot(e),),
        tables=(ReportTable("regret", "Regret by task", columns, tuple(rows), note),),
    )


def routing_section(material: Material) -> Section:
    """Confusion, and reliability of both confidences."""
    e, router = material.evaluation, material.evaluation.routing
    words = (
        f"{e.router} sends {points(router.task.accuracy)} % of the texts to their task "
        f"({between(router.task_interval)}) and {points(router.family.accuracy)} % to its family "
        f"({between(router.family_interval)}). For {points(router.fallback)} % no frame was accepted, and "
        f"the best score decided. On average the router checked {router.depth:.1f} frames."
    )
    tables = (
        _by_task(e),
        _confusion(e),
        _calibration(e),
        _bins("calibration_router", "Bins of the router's confidence", router.calibration),
        _bins("calibration_answers", "Bins of the answers' probability", e.calibration),
    )
    plots = (_confusion_plot(e), _calibration_plot(router.calibration, e.calibration))
    return Section("router", "The router", (words,), plots, tables)


def _by_task(e: Evaluation) -> ReportTable:
    columns = (
        name_column("task"),
        number_column("texts", "n"),
        number_column("to its task, %", "task", interval=True),
        number_column("to its family, %", "family", interval=True),
        number_column("fallback, texts", "fallback"),
        number_column("depth", "depth"),
    )
    rows = tuple(
        (
            text(task.skill),
            count(task.n),
            share(task.routing.task.accuracy, wilson(task.routing.task)),
            share(task.routing.family.accuracy, wilson(task.routing.family)),
            count(task.routing.fallback),
            number_cell(task.routing.depth, 1),
        )
        for task in e.tasks
    )
    return ReportTable("routing", "Routing by task", columns, rows, "Small: 95 % score interval (Wilson).")


def _confusion(e: Evaluation) -> ReportTable:
    columns = (
        name_column("texts of", "task"),
        *[Column(name or _NOBODY, (f"to_{name}" if name else "to_nobody",)) for name in e.routing.skills],
    )
    rows = tuple(
        (text(task.skill), *[count(value) for value in line])
        for task, line in zip(e.tasks, e.routing.confusion, strict=True)
    )
    return ReportTable("confusion", "Where the router sends texts", columns, rows)


def _calibration(e: Evaluation) -> ReportTable:
    columns = (
        name_column("confidence"),
        number_column("texts", "n"),
        number_column("ECE, points", "ece"),
        number_column("Brier", "brier"),
    )
    rows = tuple(
        (text(name), count(found.n), share(found.ece), number_cell(found.brier, 3))
        for name, found in (("router", e.routing.calibration), ("answer", e.calibration))
    )
    note = (
        "ECE is the mean distance between confidence and accuracy over bins of about equal size. Chance "
        "alone makes it greater than 0, so read it with its bins."
    )
    return ReportTable("calibration", "Calibration", columns, rows, note)


def _bins(key: str, title: str, found: CalibrationError) -> ReportTable:
    columns = (
        number_column("from, %", "low"),
        number_column("to, %", "high"),
        number_column("texts", "n"),
        number_column("mean confidence, %", "confidence"),
        number_column("right, %", "accuracy"),
    )
    rows = tuple(
        (share(one.low), share(one.high), count(one.n), share(one.confidence), share(one.accuracy))
        for one in found.bins
    )
    return ReportTable(key, title, columns, rows)


def _regret_plot(e: Evaluation) -> Plot:
    r = e.regret
    return Plot(
        "regret",
        "Outcomes of routed texts. The two blue parts add up to the routed accuracy; only wrong answers of a "
        "wrong skill can be the router's fault.",
        f"Stacked bars for each task. Over all tasks {points(r.right_skill_right_answer)} % go to the right "
        f"skill and are answered rightly, {points(r.wrong_skill_right_answer)} % to a wrong one and are "
        f"answered rightly, {points(r.right_skill_wrong_answer)} % to the right one and are answered "
        f"wrongly, {points(r.wrong_skill_wrong_answer)} % to a wrong one and are answered wrongly.",
        lambda: _draw_regret(e),
    )


def _draw_regret(e: Evaluation) -> Figure:
    names = [task.skill for task in e.tasks] + ["mean over tasks"]
    figure = canvas(0.95 + 0.27 * len(names))
    axes = figure.add_subplot()
    left = [0.0] * len(names)
    for field, words, colour in _PARTS:
        widths = [100 * getattr(task.regret, field) / max(task.regret.n, 1) for task in e.tasks]
        widths.append(100 * getattr(e.regret, field))
        axes.barh(range(len(names)), widths, left=left, height=0.66, color=colour, label=words)
        left = [start + width for start, width in zip(left, widths, strict=True)]
    rows_down(axes, names)
    axes.get_yticklabels()[-1].set_fontweight("bold")
    axes.set_xlim(0, 100)
    axes.set_xlabel("test texts, %")
    axes.grid(axis="x")
    legend_above(figure, axes, 2)
    return figure


def _confusion_plot(e: Evaluation) -> Plot:
    rows = [task.skill for task in e.tasks]
    columns = [name or _NOBODY for name in e.routing.skills]
    strengths = [[value / max(sum(line), 1) for value in line] for line in e.routing.confusion]
    texts = [[str(value) if value else "" for value in line] for line in e.routing.confusion]
    own = {(row, columns.index(name)) for row, name in enumerate(rows) if name in columns}
    return Plot(
        "confusion",
        "Where the router sends each task's texts: rows are the texts' own tasks, columns the tasks that the "
        "router picks, and numbers count texts.",
        f"A heat map of {len(rows)} by {len(columns)} tasks; {points(e.routing.task.accuracy)} % of the "
        "texts are on the diagonal. The table below has the figures.",
        lambda: heat_map(rows, columns, strengths, texts, "routed to", own),
    )


def _calibration_plot(router: CalibrationError, answers: CalibrationError) -> Plot:
    """Reliability: of the rows at 80 %, about 80 % should be right."""
    return Plot(
        "calibration",
        "Reliability of the router's confidence and of the answers' own probability, in bins of about equal "
        "size, with 95 % intervals. On the dashed line, confidence equals accuracy; above it, the confidence "
        "is too low. The area of a dot shows its number of texts.",
        f"Two diagrams of accuracy over confidence. The router's confidence is off by {points(router.ece)} "
        f"points on average, the answers' probability by {points(answers.ece)}.",
        lambda: _draw_calibration(router, answers),
    )


def _draw_calibration(router: CalibrationError, answers: CalibrationError) -> Figure:
    figure = canvas(2.9)
    left, right = figure.subplots(1, 2, sharey=True)
    _reliability(left, router, "router: came to its task", ROUTED)
    _reliability(right, answers, "answer: is right, own frame", OWN)
    left.set_ylabel("right, %")
    return figure


def _reliability(axes: Axes, found: CalibrationError, title: str, colour: str) -> None:
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
    words = f"ECE {100 * found.ece:.1f}\nBrier {found.brier:.3f}\nn = {found.n:,}"
    axes.text(98, 4, words, ha="right", va="bottom", fontsize=7, color=MUTED)
