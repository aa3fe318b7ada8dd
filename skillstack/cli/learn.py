"""``skillstack learn``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from skillstack.cli import render
from skillstack.cli.bases import device_option, model_option, precision_option
from skillstack.cli.command import command
from skillstack.cli.exams import tables
from skillstack.cli.execution import Carried, carrying
from skillstack.cli.failures import OUT_OF_TIME
from skillstack.cli.merging import Merging, merging
from skillstack.errors import UsageError

if TYPE_CHECKING:
    from skillstack.data.own_table import TableReport


@command(
    "skillstack learn tickets tickets.csv",
    "skillstack learn tickets tickets.csv --family support --label-column queue",
    "skillstack learn entailed pairs.tsv --text-column premise --pair-column hypothesis",
    "skillstack learn tickets more-tickets.parquet --replace",
    "skillstack learn tickets tickets.csv --method frozen-linear --stack quick",
    "skillstack learn tickets tickets.csv --time-limit 30m",
    "skillstack learn mails mails.csv --family support --auto-compress --rows tickets=tickets.csv",
)
@click.argument("name")
@click.argument("file")
@click.option("--family", metavar="NAME", help="Of skills that it belongs to; by default one of its own.")
@click.option("--text-column", metavar="NAME", help="Where the texts stand, if that is not clear.")
@click.option("--pair-column", metavar="NAME", help="Where second texts stand; none unless it is named.")
@click.option("--label-column", metavar="NAME", help="Where the labels stand, if that is not clear.")
@click.option(
    "--test-size",
    type=float,
    default=0.2,
    show_default=True,
    metavar="X",
    help="Share of the rows that is held back to test with.",
)
@click.option("--max-per-class", type=int, metavar="N", help="Training rows per class; 200 by default.")
@click.option("--replace", is_flag=True, help="Take the place of the frame of this name, at the tip.")
@click.option(
    "--method",
    type=click.Choice(["skillstack", "frozen-linear"]),
    help="frozen-linear trains a head alone, in seconds.",
)
@model_option("Base of a new stack; or where a stack's own base is.")
@precision_option("How the base of a new stack is held.")
@device_option()
@click.option("--seed", type=int, metavar="N", help="Of rows, order, start and dropout.")
@carrying
@merging
@click.option("--data-dir", metavar="FOLDER", help="Holds rows of the other skills, to merge with them.")
@click.option(
    "--rows", "tables", multiple=True, metavar="SKILL=FILE", callback=tables,
    help="Labelled rows of another skill, likewise.",
)  # fmt: skip
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Any other field of the recipe.")
@click.option("--no-keep-texts", is_flag=True, help="Keep hashed features in the store, no texts.")
def learn(
    name: str,
    file: str,
    family: str | None,
    text_column: str | None,
    pair_column: str | None,
    label_column: str | None,
    test_size: float,
    max_per_class: int | None,
    replace: bool,
    method: str | None,
    model: str | None,
    precision: str | None,
    device: str,
    seed: int | None,
    carried: Carried,
    merging: Merging,
    data_dir: str | None,
    tables: dict[str, Path],
    settings: tuple[str, ...],
    no_keep_texts: bool,
    store: str | None,
    stack: str | None,
    as_json: bool,
) -> int:
    """Learn a skill from a table of your own: CSV, TSV, JSON lines or Parquet.

    Columns are found, or asked for. A part of the rows is held back, and says how good the new frame is and
    what it does to routing. On the reference stack it starts a copy, called main. Stopped and run again, it
    goes on where it was.
    """
    if (data_dir is not None or tables) and not merging.auto_compress:
        raise UsageError(
            "--data-dir and --rows say where rows of other skills are, to merge with them.",
            "Add --auto-compress, or leave them out.",
        )
    from skillstack.cli.learned import learned_words, table_words
    from skillstack.cli.recipes import chosen_recipe

    named = {"seed": seed, "method": method, "batch_size": carried.batch_size or None}
    recipe = chosen_recipe({key: value for key, value in named.items() if value is not None}, settings)

    from skillstack.cli.watching import watched_training

    def tell(report: TableReport) -> None:
        render.note("\n".join(table_words(report)))

    with watched_training() as listen:
        from skillstack.api import Stack

        learned = Stack.learn(
            name,
            file,
            family=family,
            text_column=text_column,
            pair_column=pair_column,
            label_column=label_column,
            test_size=test_size,
            max_per_class=max_per_class,
            replace=replace,
            store=store,
            stack=stack,
            model=model,
            precision=precision,
            device=device,
            recipe=recipe,
            keep_texts=not no_keep_texts,
            **carried.settings,
            **merging.settings,
            data_dir=data_dir,
            tables=tables,
            on_event=listen,
            on_table=tell,
        )
    if as_json:
        from skillstack.cli.learned import learned_json

        render.document(learned_json(learned))
    else:
        render.out("\n".join(learned_words(learned)))
    return 0 if learned.complete else OUT_OF_TIME
