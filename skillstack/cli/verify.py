"""``skillstack verify``."""

from __future__ import annotations

import click

from skillstack.cli import render
from skillstack.cli.bases import device_option, precision_change_option
from skillstack.cli.command import command
from skillstack.errors import UsageError


@command(
    "skillstack verify",
    "skillstack verify --deep",
    "skillstack verify --deep --precision-change fp32",
    "skillstack verify --json",
)
@click.option("--deep", is_flag=True, help="Load the base and ask every frame its canary sentences too.")
@device_option("For --deep: auto, cpu or cuda.")
@click.option("--model", metavar="FOLDER", help="For --deep: where the base is, if not where frames look.")
@precision_change_option("For --deep: hold the base in another precision than in training.")
def verify(
    deep: bool,
    device: str,
    model: str | None,
    precision_change: str | None,
    store: str | None,
    stack: str | None,
    as_json: bool,
) -> int:
    """Check that every file of the store is whole. Exit status 1 says that something is not.

    Digests prove that nothing was altered by accident, not who wrote it. With --precision-change it says how
    many answers keep their label; the rougher of the two precisions decides how far a frame may be off.
    """
    from skillstack.cli.checks import check, check_json, check_words

    if precision_change is not None and not deep:
        raise UsageError("--precision-change belongs to --deep.", "Add --deep, or leave it out.")
    checked = check(store, stack, deep=deep, device=device, model=model, precision_change=precision_change)
    if as_json:
        render.document(check_json(checked))
    else:
        render.out("\n".join(check_words(checked)))
    return 0 if checked.ok else 1
