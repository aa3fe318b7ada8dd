"""``skillstack bench``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from skillstack.cli import render
from skillstack.cli.bases import Wanted, wanting
from skillstack.cli.command import command
from skillstack.errors import UsageError

if TYPE_CHECKING:
    from skillstack.continual.request import BenchRequest

RESULTS = "results/methods"
GO_ON = "Finished cells are kept; run the same command again to go on."


def per_class(text: str) -> int:
    """Rows per class; 0 for ``all``.

    :raises click.BadParameter: if it is neither.
    """
    plain = text.strip().lower()
    if plain == "all":
        return 0
    if not (plain.isascii() and plain.isdigit() and len(plain) < 8 and int(plain)):
        raise click.BadParameter(f"{text[:40]!r} is neither a number of rows nor all.")
    return int(plain)


def seeds(text: str) -> tuple[int, ...]:
    """The seeds of ``42,123,7``.

    :raises click.BadParameter: if one is no number.
    """
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts or not all(part.isascii() and part.isdigit() and len(part) < 11 for part in parts):
        raise click.BadParameter(f"{text[:40]!r} is no list of seeds; write 42,123,7.")
    return tuple(int(part) for part in parts)


@command(
    "skillstack bench --preset starter8 --methods skillstack,frozen-linear",
    "skillstack bench --preset hard8 --data-dir data --methods all --seeds 42,123,7",
    "skillstack bench --preset hard8 --data-dir data --methods skillstack --order forward,reverse,random:3",
    "skillstack bench --task imdb_sentences --task banking --methods ewc,replay --no-choose",
)
@wanting(preset="A named sequence of tasks with a recipe.", task="A task; give it once for each, in order.")
@click.option(
    "--methods", metavar="NAMES", help="Of --list-methods, separated by commas, or all.", default="all"
)
@click.option("--seeds", "chosen_seeds", type=seeds, default="42", show_default=True, metavar="N,N,...")
@click.option(
    "--order",
    default="forward",
    show_default=True,
    metavar="NAMES",
    help="forward, reverse, random:3 for three random ones, or several of these.",
)
@click.option(
    "--eval-samples-per-class",
    "rows",
    type=per_class,
    default="64",
    show_default=True,
    metavar="N|all",
    help="Test rows of each class.",
)
@click.option("--results", default=RESULTS, show_default=True, metavar="FOLDER", help="Where cells are kept.")
@click.option(
    "--choose/--no-choose",
    default=True,
    help="Choose each method's own hyper-parameters on dev, or take the defaults.",
)
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="A field of the recipe.")
@click.option("--list-methods", is_flag=True, help="List the methods and stop.")
def bench(
    wanted: Wanted,
    methods: str,
    chosen_seeds: tuple[int, ...],
    order: str,
    rows: int,
    results: str,
    choose: bool,
    settings: tuple[str, ...],
    list_methods: bool,
    store: str | None,
    stack: str | None,
    as_json: bool,
) -> int:
    """Compare ways to learn one task after another, on the same rows, base and steps.

    A cell is one method with one order of the tasks and one seed. It is kept when it is finished, so a bench
    that was stopped goes on, and one that is asked for more does only what is new. The leaderboard covers all
    cells of the folder. Stacks that the method skillstack trains lie in --store, else in the user's cache.
    """
    if list_methods:
        from skillstack.cli.standings import method_words, methods_json

        if as_json:
            render.document({"methods": methods_json()})
        else:
            render.out("\n".join(method_words()))
        return 0
    if stack is not None:
        raise UsageError("A bench trains stacks of its own.", "Leave --stack out.")
    from skillstack.cli.recipes import check_names, chosen_recipe
    from skillstack.continual.registry import check_names as check_methods

    if (wanted.preset is None) == (not wanted.tasks):
        raise UsageError("Exactly one of --preset and --task is needed.", "Try --preset starter8.")
    names = check_methods([name for name in methods.split(",") if name.strip()])
    check_names(wanted.preset, wanted.tasks, wanted.data_dir, None)
    overrides = chosen_recipe({}, settings)
    render.note("Loading ...")
    from skillstack.continual.request import resolve

    request = resolve(
        preset=wanted.preset,
        tasks=wanted.tasks,
        methods=names,
        seeds=chosen_seeds,
        orders=order,
        per_class=rows or None,
        choose=choose,
        data_dir=Path(wanted.data_dir) if wanted.data_dir is not None else None,
        model=wanted.model,
        precision=wanted.precision,
        device=wanted.device,
        overrides=overrides,
    )
    _run(request, Path(results) / request.folder(), store, as_json=as_json)
    return 0


def _run(request: BenchRequest, folder: Path, store: str | None, *, as_json: bool) -> None:
    from skillstack.cli.failures import Interrupted
    from skillstack.cli.interrupts import remembered_interrupts
    from skillstack.cli.standings import progress_line, standing_words
    from skillstack.continual.files import Results
    from skillstack.continual.leaderboard import leaderboard, to_json
    from skillstack.continual.running import BenchProgress, run
    from skillstack.hub import cache_dir

    results = Results(folder)
    place = Path(store) if store is not None else cache_dir() / "bench"
    try:
        with remembered_interrupts() as check_interrupt:

            def tell(progress: BenchProgress) -> None:
                check_interrupt()
                line = progress_line(progress)
                if line:
                    render.note(line)

            made = run(request, results, place, tell)
    except KeyboardInterrupt:
        raise Interrupted(GO_ON) from None
    standings = leaderboard([*results.cells(), *made])
    document = to_json(standings)
    where = results.put_leaderboard(document)
    if as_json:
        render.document({"results": str(folder), **document})
    else:
        render.out("\n".join(standing_words(standings)))
        render.note(f"Kept in {where.parent}.")
