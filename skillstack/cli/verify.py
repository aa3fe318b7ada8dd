"""``skillstack verify``."""

from __future__ import annotations

import click

from skillstack.cli import render
from skillstack.cli.command import command


@command("skillstack verify", "skillstack verify --deep", "skillstack verify --json")
@click.option("--deep", is_flag=True, help="Load the base and ask every frame its canary sentences too.")
@click.option(
    "--device", default="auto", show_default=True, metavar="NAME", help="For --deep: auto, cpu or cuda."
)
@click.option("--model", metavar="FOLDER", help="For --deep: where the base is, if not where frames look.")
def verify(
    deep: bool, device: str, model: str | None, store: str | None, stack: str | None, as_json: bool
) -> int:
    """Check that every file of the store is whole. Exit status 1 says that something is not.

    Digests prove that nothing was altered by accident, not who wrote it.
    """
    from skillstack.cli.checks import check, check_json, check_words

    checked = check(store, stack, deep=deep, device=device, model=model)
    if as_json:
        render.document(check_json(checked))
    else:
        render.out("\n".join(check_words(checked)))
    return 0 if checked.ok else 1
