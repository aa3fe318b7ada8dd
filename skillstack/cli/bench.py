"""``skillstack bench``: continual-learning methods compared, progress line by line, and the leaderboard."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from skillstack.cli import console
from skillstack.cli.command import Invocation, command
from skillstack.cli.console import fields, pairs, table, wrapped
from skillstack.cli.options import Wanted, names_in, per_class_option, recipe_options, wanting
from skillstack.errors import UsageError
from skillstack.wording import many, points, seconds, size

if TYPE_CHECKING:
    from skillstack.continual.bench import BenchProgress
    from skillstack.continual.leaderboard import MethodStanding

RESULTS = "results/methods"
GO_ON = "Finished cells are kept; run the same command again to continue."


def seeds(text: str) -> tuple[int, ...]:
    """The seeds of ``42,123,7``.

    :raises click.BadParameter: if one is no number.
    """
    parts = names_in(text)
    if not parts or not all(part.isascii() and part.isdigit() and len(part) < 11 for part in parts):
        raise click.BadParameter(f"Invalid list of seeds {text[:40]!r}: write 42,123,7.")
    return tuple(int(part) for part in parts)


@command(
    "skillstack bench --preset starter8 --methods skillstack,frozen-linear",
    "skillstack bench --preset hard8 --data-dir data --methods all --seeds 42,123,7",
    "skillstack bench --preset hard8 --data-dir data --methods skillstack --order forward,reverse,random:3",
    "skillstack bench --task imdb_sentences --task banking --methods ewc,replay --no-choose",
)
@wanting
@click.option(
    "--methods", default="all", show_default=True, metavar="NAMES",
    help="Methods, separated by commas; --list-methods lists them.",
)  # fmt: skip
@click.option(
    "--seeds", "chosen_seeds", type=seeds, default="42", show_default=True, metavar="N,N,...",
    help="Random seeds, separated by commas; each is a run.",
)  # fmt: skip
@click.option(
    "--order", default="forward", show_default=True, metavar="NAMES",
    help="Task orders, separated by commas: forward, reverse, random:3 for three random ones.",
)  # fmt: skip
@per_class_option
@click.option(
    "--results", default=RESULTS, show_default=True, metavar="FOLDER", help="Folder for finished cells."
)
@click.option(
    "--choose/--no-choose", default=True, show_default=True,
    help="Choose each method's hyper-parameters on dev rows, or use the defaults.",
)  # fmt: skip
@recipe_options()
@click.option("--list-methods", is_flag=True, help="List the methods and exit.")
def bench(
    call: Invocation,
    wanted: Wanted,
    methods: str,
    chosen_seeds: tuple[int, ...],
    order: str,
    per_class: int | None,
    results: str,
    choose: bool,
    recipe: dict[str, Any],
    list_methods: bool,
) -> int:
    """Compare continual-learning methods on the same tasks, rows, base and steps.

    A cell is one method with one order of the tasks and one seed. Finished cells are kept, so a bench that
    was stopped continues, and one with more methods or seeds trains only the new cells. The leaderboard
    covers all cells of the folder. The stacks of the method skillstack are in --store, by default in the
    user's cache.
    """
    if list_methods:
        call.answer(lambda: {"methods": methods_json()}, method_words)
        return 0
    if call.stack is not None:
        raise UsageError("A bench trains stacks of its own.", "Leave --stack out.")
    from skillstack.continual.registry import check_names

    names = check_names(names_in(methods))
    wanted.check()
    console.note("Loading ...")
    from skillstack.continual.bench import run
    from skillstack.continual.files import Results
    from skillstack.continual.leaderboard import leaderboard, to_json
    from skillstack.continual.request import resolve
    from skillstack.hub import cache_dir

    data_dir = Path(wanted.data_dir) if wanted.data_dir is not None else None
    request = resolve(
        **{**vars(wanted), "data_dir": data_dir},
        methods=names,
        seeds=chosen_seeds,
        orders=order,
        per_class=per_class,
        choose=choose,
        overrides=recipe,
    )
    folder = Results(Path(results) / request.folder())
    place = Path(call.store) if call.store is not None else cache_dir() / "bench"
    with console.interrupt_hint(GO_ON), console.remembered_interrupts() as check_interrupt:

        def tell(progress: BenchProgress) -> None:
            check_interrupt()
            if line := progress_line(progress):
                console.note(line)

        made = run(request, folder, place, tell)
    standings = leaderboard([*folder.cells(), *made])
    document = to_json(standings)
    where = folder.put_leaderboard(document)
    call.answer(lambda: {"results": str(where.parent), **document}, lambda: standing_words(standings))
    if not call.as_json:
        console.note(f"The results are in {where.parent}.")
    return 0


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
    """The leaderboard: how good each method is, and what it costs."""
    if not standings:
        return ["There are no results yet."]
    quality = ["METHOD", "RUNS", "ACCURACY", "AGAINST SKILLSTACK", "FORGOT", "WORST"]
    costs = ["METHOD", "TIME", "PROCESSOR", "TRAINED", "KEPT/TASK", "TEXTS/TASK"]
    return [
        *table(quality, [_quality(standing) for standing in standings], left=(0, 2, 3), indent=0),
        "",
        *table(costs, [_cost(standing) for standing in standings], indent=0),
        "",
        *wrapped(
            f"Means over runs of {many(standings[0].n, 'text')} each, with the task given, in percent; in "
            "brackets 95 % intervals (bootstrap over texts). Differences: over the runs that both have.",
            rest="",
        ),
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
            lines += wrapped(
                f"{_label(one)} routed: {points(one.routed)}, regret {points(one.regret)}; "
                f"the router picks the own skill for {points(one.at_home)}."
            )
        if one.unaided is not None:
            lines.append(f"{_label(one)} among all classes: {points(one.unaided)}.")
    return lines


def _label(standing: MethodStanding) -> str:
    return standing.method if standing.order == "forward" else f"{standing.method} {standing.order}"


def methods_json() -> list[dict[str, Any]]:
    """Every method with its paper and hyper-parameters."""
    from skillstack.continual import registry

    return [
        {
            **fields(method, "name", "title", "paper"),
            "grid": {name: list(values) for name, values in method.grid.items()},
        }
        for method in map(registry.method, registry.names())
    ]


def method_words() -> list[str]:
    """A line or two for each method."""
    rows: list[tuple[str, str]] = []
    for method in methods_json():
        rows.append((method["name"], method["title"]))
        rows += [("", paper) for paper in method["paper"].split("; ") if paper]
        grid = (f"{name} {', '.join(f'{v:g}' for v in values)}" for name, values in method["grid"].items())
        rows += [("", f"chosen on dev: {'; '.join(grid)}")] if method["grid"] else []
    return pairs(rows, indent=0)
