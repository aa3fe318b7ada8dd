"""``skillstack compress``."""

from __future__ import annotations

import math
import shlex
from pathlib import Path

import click
from click.core import ParameterSource

from skillstack.cli import render
from skillstack.cli.bases import device_option, model_option
from skillstack.cli.command import command
from skillstack.cli.exams import tables
from skillstack.cli.opening import open_stack
from skillstack.errors import UsageError


def margin_share(_: click.Context, __: click.Parameter, value: str) -> float:
    """A margin in points, as a share."""
    return _between("margin", value, 50) / 100


def level_share(_: click.Context, __: click.Parameter, value: str) -> float:
    """A level, which is a share already."""
    return _between("level", value, 0.5)


def _again(context: click.Context) -> str:
    """The same command as it was typed, to be carried out."""
    words = ["skillstack", "compress"]
    for option in context.command.params:
        name = option.name or ""
        if name == "apply" or context.get_parameter_source(name) is not ParameterSource.COMMANDLINE:
            continue
        value = context.params.get(name)
        if isinstance(value, dict):
            words += [word for key, path in value.items() for word in (option.opts[0], f"{key}={path}")]
        elif isinstance(value, str):
            words += [option.opts[0], value]
        elif isinstance(value, float):
            words += [option.opts[0], f"{100 * value if name == 'margin' else value:g}"]
    return shlex.join([*words, "--apply"])


def _between(name: str, value: str, most: float) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not 0 < number < most:
        raise UsageError(f"A {name} of {value[:40]!r} means nothing.", f"It lies between 0 and {most:g}.")
    return number


@command(
    "skillstack compress --family sentiment",
    "skillstack compress --family sentiment --apply",
    "skillstack compress --family sentiment --method rank --margin 2",
    'skillstack compress --family sentiment --candidate "rank 2" --apply',
    "skillstack compress --family sentiment --json > plan.json",
)
@click.option("--family", required=True, metavar="NAME", help="Whose frames become fewer or smaller.")
@click.option(
    "--method",
    default="auto",
    show_default=True,
    metavar="NAME",
    help="anchor, merge, rank, or auto for all.",
)
@click.option("--candidate", metavar="NAME", help="Take this one, not the smallest that should pass.")
@click.option(
    "--margin",
    default="1",
    show_default=True,
    metavar="POINTS",
    callback=margin_share,
    help="What a task may lose, in points of accuracy.",
)
@click.option(
    "--level",
    default="0.05",
    show_default=True,
    metavar="P",
    callback=level_share,
    help="Chance, at most, that what loses more passes.",
)
@click.option(
    "--apply", is_flag=True, help="Test the candidate on guard rows, and carry it out if it passes."
)
@click.option("--data-dir", metavar="FOLDER", help="Holds a folder with the rows of each task.")
@click.option(
    "--rows",
    "tables",
    multiple=True,
    metavar="SKILL=FILE",
    callback=tables,
    help="Labelled rows of your own for a skill: CSV, TSV, JSON lines or Parquet.",
)
@model_option("Where the base is, if not where the frames look for it.")
@device_option()
def compress(
    family: str,
    method: str,
    candidate: str | None,
    margin: float,
    level: float,
    apply: bool,
    data_dir: str | None,
    tables: dict[str, Path],
    model: str | None,
    device: str,
    store: str | None,
    stack: str | None,
    as_json: bool,
) -> int:
    """Make the adapters of a family fewer or smaller, or say what would become of it.

    Candidates are compared on dev rows, and the plan changes nothing. With --apply the chosen one is tested
    once on guard rows, which nothing else reads: no task may lose the margin, or nothing happens (status 1).
    `skillstack undo` brings the old stack back.
    """
    from skillstack.cli.compressed import compressed_words
    from skillstack.cli.failures import Interrupted
    from skillstack.cli.interrupts import remembered_interrupts
    from skillstack.compression.document import compressed_json

    opened = open_stack(store, stack)
    before = opened.store.tip(opened.name)
    count = 0
    try:
        with remembered_interrupts() as check_interrupt:

            def tell(name: str) -> None:
                nonlocal count
                check_interrupt()
                count += 1
                guard = name == "guard"
                render.note("Testing it on guard rows ..." if guard else f"candidate {count}  {name}")

            found = opened.compress(
                family,
                method=method,
                candidate=candidate,
                margin=margin,
                level=level,
                apply=apply,
                data_dir=data_dir,
                tables=tables,
                model=model,
                device=device,
                on_candidate=tell,
            )
    except KeyboardInterrupt:
        same = opened.store.tip(opened.name) == before
        said = "Nothing has changed." if same else "The stack has changed; `skillstack undo` takes it back."
        raise Interrupted(said) from None
    if as_json:
        render.document(compressed_json(found))
    else:
        again = _again(click.get_current_context())
        render.out("\n".join(compressed_words(found, candidate, again)))
    return 1 if apply and not found.applied else 0
