"""Methods side by side, where a bench was run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from skillstack.continual import registry
from skillstack.continual.cell import BenchCell
from skillstack.continual.leaderboard import OURS, MethodStanding
from skillstack.evaluation.metrics import macro
from skillstack.reports.drawing import (
    FROZEN,
    INK,
    LATEST,
    LOST,
    MUTED,
    OWN,
    ROUTED,
    SAVED,
    WRONG,
    Plot,
    canvas,
    legend_above,
    line_style,
    rows_down,
)
from skillstack.reports.material import Bench, Material
from skillstack.reports.page import Section
from skillstack.reports.table import (
    ReportTable,
    TableCell,
    change_cell,
    count,
    name_column,
    number_column,
    p_cell,
    points,
    seconds_cell,
    share,
    size_cell,
    text,
)
from skillstack.reports.verdict import Decision, outcome
from skillstack.wording import listed, published

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: ``[k][i]``: accuracy of task i when k + 1 tasks were learned, 0 to 1.
Trajectory = tuple[tuple[float, ...], ...]
#: Columns that name a standing.
_NAMED = (name_column("method"), name_column("order"))
_COLOURS = (LATEST, FROZEN, ROUTED, WRONG, SAVED, LOST, MUTED, INK)


def methods_section(material: Material) -> Section | None:
    """The leaderboard of a bench, and its curves."""
    bench = material.bench
    if bench is None:
        return None
    plots = [_leaderboard_plot(bench.standings)]
    curves = _by_method(bench.cells)
    if curves:
        plots.append(_curves_plot(curves))
    return Section(
        "methods",
        "Against other methods",
        (_words(bench),),
        tuple(plots),
        (_leaderboard(bench.standings), _costs(bench.standings)),
        shown=2,
        source=_source(bench.cells),
    )


def _words(bench: Bench) -> str:
    if not any(one.method == OURS for one in bench.standings):
        return "The frames themselves are not among these methods."
    better, undecided = _outcomes(bench.standings, "beaten"), _outcomes(bench.standings, "undecided")
    words = []
    if better:
        words.append(f"Better than the frames: {listed(better)}.")
    if undecided:
        words.append(f"Not beaten by the frames: {listed(undecided)}.")
    if not words:
        words.append("On the same texts, the frames beat every other method here.")
    words.append("Every method is given the task. The intervals are over other texts and the same runs.")
    return " ".join(words)


def _outcomes(standings: Sequence[MethodStanding], frames: Decision) -> list[str]:
    """Methods against which the frames are this."""
    return [
        f"{_title(one)} ({one.order}, {points(one.difference.difference, sign=True)} points)"
        for one in standings
        if one.difference is not None and outcome(one.difference) == frames
    ]


def _title(one: MethodStanding) -> str:
    return registry.method(one.method).title


def _named(one: MethodStanding) -> tuple[TableCell, TableCell]:
    return TableCell((one.method,), _title(one)), text(one.order)


def _leaderboard(standings: Sequence[MethodStanding]) -> ReportTable:
    columns = (
        *_NAMED,
        number_column("runs", "runs"),
        number_column("accuracy, %", "accuracy", interval=True),
        number_column("to the frames, points", "difference", interval=True),
        number_column("p", "p"),
        number_column("forgetting, points", "forgetting"),
        number_column("min-ACC, %", "min_acc"),
        number_column("WC-ACC, %", "wc_acc"),
        number_column("routed, %", "routed"),
        number_column("no task given, %", "unaided"),
    )
    rows = tuple(
        (
            *_named(one),
            count(len(one.runs)),
            share(one.accuracy, one.interval),
            change_cell(one.difference),
            p_cell(None if one.difference is None else one.difference.p),
            share(one.forgetting),
            share(one.min_acc),
            share(one.wc_acc),
            share(one.routed),
            share(one.unaided),
        )
        for one in standings
    )
    note = (
        "Small: 95 % bootstrap interval over texts. min-ACC and WC-ACC: worst accuracy while tasks were "
        "learned (De Lange et al., ICLR 2023), seen after each task."
    )
    return ReportTable("leaderboard", "Methods", columns, rows, note)


def _costs(standings: Sequence[MethodStanding]) -> ReportTable:
    columns = (
        *_NAMED,
        number_column("one training", "seconds"),
        number_column("numbers trained", "parameters"),
        number_column("kept per task", "bytes_per_task"),
        number_column("texts kept per task", "texts_per_task"),
    )
    rows = tuple(
        (
            *_named(one),
            seconds_cell(one.seconds, 1),
            count(round(one.parameters)),
            size_cell(round(one.bytes_per_task)),
            size_cell(round(one.texts_per_task)),
        )
        for one in standings
    )
    return ReportTable("method_costs", "What methods cost", columns, rows)


def _source(cells: Sequence[BenchCell]) -> Mapping[str, str]:
    """Commands and versions, each once."""
    found = {
        f"cell {cell.method}, {cell.order}, seed {cell.seed}": (
            f"{published(cell.command)} (configuration {cell.digest[:16]})"
        )
        for cell in cells
    }
    environments = dict.fromkeys(
        ", ".join(f"{name} {value}" for name, value in cell.environment.items()) for cell in cells
    )
    for place, environment in enumerate(environments):
        found["bench run with" if place == 0 else f"and with ({place + 1})"] = environment
    return found


def _leaderboard_plot(standings: Sequence[MethodStanding]) -> Plot:
    return Plot(
        "methods",
        "Methods on the same data, base and budget: accuracy with the task given, mean over tasks and runs, "
        "with 95 % intervals.",
        "Dots with intervals, one row a method. The table below has the figures.",
        lambda: _draw_leaderboard(standings),
    )


def _draw_leaderboard(standings: Sequence[MethodStanding]) -> Figure:
    several = len({one.order for one in standings}) > 1
    figure = canvas(0.55 + 0.24 * len(standings))
    axes = figure.add_subplot()
    for row, one in enumerate(standings):
        colour = OWN if one.method == OURS else MUTED
        axes.hlines(row, 100 * one.interval.low, 100 * one.interval.high, colors=colour, linewidth=1.4)
        axes.plot([100 * one.accuracy], [row], marker="o", markersize=4.6, color=colour)
    rows_down(axes, [_title(one) + (f", {one.order}" if several else "") for one in standings], 36)
    for tick, one in zip(axes.get_yticklabels(), standings, strict=True):
        tick.set_fontweight("bold" if one.method == OURS else "normal")
    axes.set_xlabel("accuracy, %")
    axes.grid()
    return figure


def _by_method(cells: Sequence[BenchCell]) -> Mapping[str, list[Trajectory]]:
    """How accuracy went while each method learned, in the preset's own order or else in another."""
    followed = [cell for cell in cells if cell.trajectory is not None]
    order = min({cell.order for cell in followed}, key=lambda name: (name != "forward", name), default="")
    found: dict[str, list[Trajectory]] = {}
    for cell in followed:
        if cell.order == order and cell.trajectory is not None:
            found.setdefault(cell.method, []).append(cell.trajectory)
    return dict(sorted(found.items(), key=lambda item: (item[0] != OURS, item[0])))


def _curves_plot(methods: Mapping[str, list[Trajectory]]) -> Plot:
    return Plot(
        "curves",
        "Learning and forgetting in the order of the preset, mean over seeds: on the left accuracy on all "
        "tasks learned so far, on the right on the first task alone.",
        "Lines over the number of tasks learned, one a method. A line that falls on the right forgets.",
        lambda: _draw_curves(methods),
    )


def _draw_curves(methods: Mapping[str, list[Trajectory]]) -> Figure:
    from matplotlib.ticker import MaxNLocator

    figure = canvas(2.9)
    left, right = figure.subplots(1, 2, sharey=True)
    for place, (method, runs) in enumerate(methods.items()):
        steps = range(1, 1 + min(len(run) for run in runs))
        learned = [macro([macro(run[k - 1][:k]) for run in runs]) for k in steps]
        first = [macro([run[k - 1][0] for run in runs]) for k in steps]
        ours = method == OURS
        style = line_style(place) | {
            "color": OWN if ours else _COLOURS[(place - 1) % len(_COLOURS)],
            "linewidth": 1.8 if ours else 1.1,
        }
        left.plot(steps, [100 * value for value in learned], label=method, **style)
        right.plot(steps, [100 * value for value in first], **style)
    left.set_title("all tasks learned so far", loc="left")
    right.set_title("the first task", loc="left")
    left.set_ylabel("accuracy, %")
    for axes in (left, right):
        axes.set_xlabel("tasks learned")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid()
    legend_above(figure, left, 4)
    return figure
