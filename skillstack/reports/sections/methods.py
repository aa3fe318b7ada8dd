"""Methods side by side, where a bench was run."""

from __future__ import annotations

from skillstack.evaluation.intervals import Interval
from skillstack.reports.material import Material
from skillstack.reports.plots.methods import OURS, curves_plot, leaderboard_plot
from skillstack.reports.section import Section
from skillstack.reports.standings import Bench, Standing
from skillstack.reports.table import Cell, Table, count, missing, name_column, number_column, share, text
from skillstack.reports.verdict import LEVEL
from skillstack.reports.words import points
from skillstack.wording import chance, listed, seconds, size


def methods_section(material: Material) -> Section | None:
    """The leaderboard of a bench, and its curves."""
    bench = material.bench
    if bench is None:
        return None
    plots = [leaderboard_plot(bench.standings)]
    if bench.curves:
        plots.append(curves_plot(bench.curves))
    return Section(
        "methods",
        "Against other methods",
        (_words(bench),),
        tuple(plots),
        (_leaderboard(bench.standings), _costs(bench.standings)),
        shown=2,
        source=bench.source,
    )


def _words(bench: Bench) -> str:
    rivals = [one for one in bench.standings if one.difference is not None]
    ahead = [one for one in rivals if _clear(one) and (one.difference or 0) > 0]
    undecided = [one for one in rivals if not _clear(one)]
    if not any(one.method == OURS for one in bench.standings):
        return "The frames themselves are not among these methods."
    words = []
    if ahead:
        words.append(f"Better than the frames: {listed([_named(one) for one in ahead])}.")
    if undecided:
        words.append(f"Not beaten by the frames: {listed([_named(one) for one in undecided])}.")
    if not words:
        words.append("On the same texts, the frames beat every other method here.")
    words.append(
        "Accuracy is with the task given, for every method; intervals are of other texts, same runs."
    )
    return " ".join(words)


def _named(one: Standing) -> str:
    return f"{one.title} ({one.order}, {points(one.difference or 0.0, sign=True)} points)"


def _clear(one: Standing) -> bool:
    """Whether test and interval agree that there is a difference."""
    ends = one.difference_interval or Interval(0.0, 0.0)
    return (one.p or 0.0) < LEVEL and (ends.low > 0 or ends.high < 0)


def _leaderboard(standings: tuple[Standing, ...]) -> Table:
    difference = number_column("to the frames, points", "difference", interval=True)
    columns = (
        name_column("method"),
        name_column("order"),
        number_column("runs", "runs"),
        number_column("accuracy, %", "accuracy", interval=True),
        difference,
        number_column("p", "p"),
        number_column("forgetting, points", "forgetting"),
        number_column("min-ACC, %", "min_acc"),
        number_column("WC-ACC, %", "wc_acc"),
        number_column("routed, %", "routed"),
        number_column("no task given, %", "unaided"),
    )
    rows = tuple(
        (
            Cell((one.method,), one.title),
            text(one.order),
            count(one.runs),
            share(one.accuracy, one.interval),
            missing(difference)
            if one.difference is None
            else share(one.difference, one.difference_interval, sign=True),
            Cell((one.p,), "–" if one.p is None else chance(one.p).removeprefix("p ").removeprefix("= ")),
            *[share(one.figures[name]) for name in ("forgetting", "min_acc", "wc_acc", "routed", "unaided")],
        )
        for one in standings
    )
    note = (
        "Small: 95 % bootstrap interval over texts. min-ACC and WC-ACC: worst accuracy while tasks were "
        "learned (De Lange et al., ICLR 2023), seen after each task."
    )
    return Table("leaderboard", "Methods", columns, rows, note)


def _costs(standings: tuple[Standing, ...]) -> Table:
    columns = (
        name_column("method"),
        name_column("order"),
        number_column("one training", "seconds"),
        number_column("numbers trained", "parameters"),
        number_column("kept per task", "bytes_per_task"),
        number_column("texts kept per task", "texts_per_task"),
    )
    rows = tuple(
        (
            Cell((one.method,), one.title),
            text(one.order),
            Cell((one.seconds,), "–" if one.seconds is None else seconds(one.seconds)),
            count(one.parameters),
            Cell((one.bytes_per_task,), size(one.bytes_per_task)),
            Cell((one.texts_per_task,), size(one.texts_per_task)),
        )
        for one in standings
    )
    return Table("method_costs", "What methods cost", columns, rows)
