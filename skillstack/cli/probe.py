"""``skillstack probe``."""

from __future__ import annotations

from typing import Any

import click

from skillstack.cli import render
from skillstack.cli.asking import threshold_option
from skillstack.cli.command import command
from skillstack.cli.exams import GO_ON, Exams, examining
from skillstack.cli.opening import open_stack
from skillstack.errors import UsageError

#: Options that belong to one probe alone, and their values where they are not given.
OWN = {"texts": ("generalization", None), "orders": ("order", 3)}


@command(
    "skillstack probe generalization",
    "skillstack probe generalization --texts 100 --seed 7 --eval-samples-per-class all",
    "skillstack probe order --orders 10",
    "skillstack probe redundancy --data-dir data --json > redundancy.json",
)
@click.argument("name", metavar="generalization|order|redundancy")
@examining
@click.option("--seed", default=0, show_default=True, metavar="N", help="Of what is drawn.")
@click.option(
    "--texts", type=click.IntRange(min=2), metavar="N",
    help="generalization: texts of each task; else as many as the smallest has.",
)  # fmt: skip
@click.option(
    "--orders", type=click.IntRange(0, 1000), default=3, show_default=True, metavar="N",
    help="order: random orders, beside the stack's own and its reverse.",
)  # fmt: skip
@threshold_option()
@click.option("--depth", type=click.IntRange(min=1), metavar="N", help="Frames that hybrid_chain looks at.")
def probe(
    name: str,
    exams: Exams,
    seed: int,
    texts: int | None,
    orders: int,
    threshold: float | None,
    depth: int | None,
    store: str | None,
    stack: str | None,
    as_json: bool,
) -> int:
    """Ask a question about the stack that accuracies by task do not answer.

    generalization: does it beat one adapter for everything, on mixed texts of all tasks? order: what would
    another order of the frames do to routing? redundancy: for which frames could another one of the family
    stand in? Answers are kept, and eval's are used, so that little is asked twice.
    """
    for option, (owner, default) in OWN.items():
        if {"texts": texts, "orders": orders}[option] != default and name != owner:
            raise UsageError(f"--{option} belongs to the probe {owner}.", "Leave it out.")
    from skillstack.cli.failures import Interrupted
    from skillstack.cli.probed import probe_words
    from skillstack.cli.progress import count_progress

    opened = open_stack(store, stack)
    chosen: dict[str, Any] = {
        "seed": seed,
        "texts": texts,
        "orders": orders,
        "threshold": threshold,
        "depth": depth,
    }
    try:
        with count_progress("answers") as show:
            found = opened.probe(name, **chosen, **exams.options, on_answers=show)
    except KeyboardInterrupt:
        raise Interrupted(GO_ON) from None
    if as_json:
        render.document(found.to_json())
    else:
        render.out("\n".join(probe_words(found)))
    return 0
