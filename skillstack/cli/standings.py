"""A bench as people read it: progress line by line, and the leaderboard as two tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from skillstack.cli.words import columns
from skillstack.continual import registry
from skillstack.wording import many, points, seconds, size

if TYPE_CHECKING:
    from skillstack.continual.leaderboard import MethodStanding
    from skillstack.continual.running import BenchProgress


def progress_line(progress: BenchProgress) -> str:
    """``cell 3 of 9  ewc, forward, seed 42: 71.2 % in 5 min 12 s``; empty where nothing is worth a line."""
    key = progress.key
    head = f"cell {progress.place} of {progress.of}  {key.method}, {key.order.name}, seed {key.seed}"
    if progress.settings and not progress.kept:
        head += ", " + ", ".join(f"{name} {value:g}" for name, value in progress.settings.items())
    if progress.accuracy is None:
        where = f"task {progress.learned} of {progress.tasks} learned, {seconds(progress.seconds)}"
        return f"{head}: {where}" if progress.learned else f"{head}: begins"
    share = f"{100 * progress.accuracy:.1f} %"
    if progress.kept:
        return f"{head}: {share}, finished before"
    return f"{head}: {share}{' on dev' if progress.trial else ''} in {seconds(progress.seconds)}"


def standing_words(standings: Sequence[MethodStanding]) -> list[str]:
    """The leaderboard: how good each method is, and what it takes."""
    if not standings:
        return ["There are no results yet."]
    quality = [["METHOD", "RUNS", "ACCURACY", "AGAINST SKILLSTACK", "FORGOT", "WORST"]]
    quality += [_quality(standing) for standing in standings]
    costs = [["METHOD", "TIME", "PROCESSOR", "TRAINED", "KEPT/TASK", "TEXTS/TASK"]]
    costs += [_cost(standing) for standing in standings]
    return [
        *columns(quality, right=(1, 4, 5)),
        "",
        *columns(costs, right=(1, 2, 3, 4, 5)),
        "",
        f"Means over runs of {many(standings[0].n, 'text')} each, with the task given, in percent;",
        "in brackets 95 % intervals (bootstrap over texts). Differences: in runs of both.",
        *_extras(standings),
    ]


def _quality(standing: MethodStanding) -> list[str]:
    low, high = standing.interval.low, standing.interval.high
    against = "-"
    if standing.difference is not None:
        ends = standing.difference.interval
        near, far = points(ends.low, sign=True), points(ends.high, sign=True)
        against = f"{points(standing.difference.difference, sign=True)} [{near}, {far}]"
    return [
        _label(standing),
        str(len(standing.runs)),
        f"{points(standing.accuracy)} [{points(low)}, {points(high)}]",
        against,
        "-" if standing.forgetting is None else points(standing.forgetting),
        "-" if standing.wc_acc is None else points(standing.wc_acc),
    ]


def _cost(standing: MethodStanding) -> list[str]:
    return [
        _label(standing),
        *["-" if value is None else seconds(value) for value in (standing.seconds, standing.processor)],
        f"{round(standing.parameters):,}",
        size(round(standing.bytes_per_task)),
        size(round(standing.texts_per_task)) if standing.texts_per_task else "-",
    ]


def _extras(standings: Sequence[MethodStanding]) -> list[str]:
    """What is known of single methods when the task is not given."""
    lines = []
    for one in standings:
        if one.routed is not None and one.regret is not None and one.at_home is not None:
            lines.append(
                f"{_label(one)} routed: {points(one.routed)}, regret {points(one.regret)}; "
                f"the router picks the own skill for {points(one.at_home)}."
            )
        if one.unaided is not None:
            lines.append(f"{_label(one)} among all classes: {points(one.unaided)}.")
    return lines


def methods_json() -> list[dict[str, Any]]:
    """Every method with its paper and hyper-parameters."""
    methods = [registry.method(name) for name in registry.names()]
    return [
        {
            "name": method.name,
            "title": method.title,
            "paper": method.paper,
            "grid": {name: list(values) for name, values in method.grid.items()},
        }
        for method in methods
    ]


def method_words() -> list[str]:
    """A line or two for each method."""
    lines: list[str] = []
    for method in methods_json():
        lines.append(f"{method['name']:<14} {method['title']}")
        lines += [f"{'':<14} {paper}" for paper in method["paper"].split("; ") if paper]
        grid = (f"{name} {', '.join(f'{v:g}' for v in values)}" for name, values in method["grid"].items())
        lines += [f"{'':<14} chosen on dev: {'; '.join(grid)}"] if method["grid"] else []
    return lines


def _label(standing: MethodStanding) -> str:
    return standing.method if standing.order == "forward" else f"{standing.method} {standing.order}"
