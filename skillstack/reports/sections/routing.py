"""Where the router sends texts, and whether its confidence can be believed."""

from __future__ import annotations

from skillstack.evaluation.intervals import wilson
from skillstack.evaluation.metrics import CalibrationError
from skillstack.evaluation.result import Evaluation
from skillstack.reports.material import Material
from skillstack.reports.plots.calibration import calibration_plot
from skillstack.reports.plots.heat import NOBODY, confusion_plot
from skillstack.reports.section import Section
from skillstack.reports.table import Cell, Column, Table, count, name_column, number_column, share, text
from skillstack.reports.words import between, points


def routing_section(material: Material) -> Section:
    """Confusion, and reliability of both confidences."""
    e, router = material.evaluation, material.evaluation.routing
    words = (
        f"{e.router}: {points(router.task.accuracy)} % of the texts come to their task "
        f"({between(router.task_interval)}), {points(router.family.accuracy)} % to its family "
        f"({between(router.family_interval)}). For {points(router.fallback)} % no frame was accepted and the "
        f"best score decided; {router.depth:.1f} frames were looked at on average."
    )
    return Section(
        "router",
        "The router",
        (words,),
        (
            confusion_plot(router, [task.skill for task in e.tasks]),
            calibration_plot(router.calibration, e.calibration),
        ),
        (_by_task(e), _confusion(e), _summary(e), *_bins(e)),
    )


def _by_task(e: Evaluation) -> Table:
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
            Cell((round(task.routing.depth, 6),), f"{task.routing.depth:.1f}"),
        )
        for task in e.tasks
    )
    return Table("routing", "Routing by task", columns, rows, "Small: 95 % score interval (Wilson).")


def _confusion(e: Evaluation) -> Table:
    columns = (
        name_column("texts of", "task"),
        *[Column(name or NOBODY, (f"to_{name}" if name else "to_nobody",)) for name in e.routing.skills],
    )
    rows = tuple(
        (text(task.skill), *[count(value) for value in line])
        for task, line in zip(e.tasks, e.routing.confusion, strict=True)
    )
    return Table("confusion", "Where texts come to", columns, rows)


def _summary(e: Evaluation) -> Table:
    columns = (
        name_column("confidence"),
        number_column("texts", "n"),
        number_column("ECE, points", "ece"),
        number_column("Brier", "brier"),
    )
    rows = tuple(
        (
            text(name),
            count(found.n),
            share(found.ece),
            Cell((round(found.brier, 6),), f"{found.brier:.3f}"),
        )
        for name, found in (("router", e.routing.calibration), ("answer", e.calibration))
    )
    note = (
        "ECE: mean distance of confidence and accuracy over bins of about equal size, to be read with its "
        "bins: chance alone makes it greater than 0."
    )
    return Table("calibration", "Calibration", columns, rows, note)


def _bins(e: Evaluation) -> tuple[Table, ...]:
    return (
        _bins_of("calibration_router", "Bins of the router's confidence", e.routing.calibration),
        _bins_of("calibration_answers", "Bins of the answers' probability", e.calibration),
    )


def _bins_of(key: str, title: str, found: CalibrationError) -> Table:
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
    return Table(key, title, columns, rows)
