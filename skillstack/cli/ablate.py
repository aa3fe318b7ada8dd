"""``skillstack ablate``."""

from __future__ import annotations

from pathlib import Path

import click

from skillstack.cli import render
from skillstack.cli.bases import device_option, model_option
from skillstack.cli.command import command
from skillstack.cli.compress import level_share, margin_share
from skillstack.cli.exams import tables
from skillstack.cli.names import KINDS
from skillstack.cli.opening import open_stack
from skillstack.errors import UsageError


@command(
    "skillstack ablate",
    "skillstack ablate --family sentiment",
    "skillstack ablate --frame banking --frame travel --json > ablation.json",
    "skillstack ablate --frame travel --apply",
)
@click.option(
    "--frame", "frames", multiple=True, metavar="NAME", type=KINDS["frame"],
    help="Remove this one alone; give it once for each.",
)  # fmt: skip
@click.option("--family", metavar="NAME", help="Remove the frames of this family alone.")
@click.option(
    "--margin", default="1", show_default=True, metavar="POINTS", callback=margin_share,
    help="What a task may lose, in points of accuracy.",
)  # fmt: skip
@click.option(
    "--level", default="0.05", show_default=True, metavar="P", callback=level_share,
    help="Chance, at most, that what loses more passes.",
)  # fmt: skip
@click.option("--apply", is_flag=True, help="Test the one frame on guard rows, and prune it if it passes.")
@click.option("--data-dir", metavar="FOLDER", help="Holds a folder with the rows of each task.")
@click.option(
    "--rows", "tables", multiple=True, metavar="SKILL=FILE", callback=tables,
    help="Labelled rows of your own for a skill: CSV, TSV, JSON lines or Parquet.",
)  # fmt: skip
@model_option("Where the base is, if not where the frames look for it.")
@device_option()
def ablate(
    frames: tuple[str, ...],
    family: str | None,
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
    """Say what the stack would lose with each of its frames, or prune one.

    Each frame is removed by itself, and the router picks among the others by its scores of today. What that
    does to every task is said of dev rows, and changes nothing. With --apply the router is fitted without the
    frame and every task is tested once on guard rows: none may lose the margin, or nothing happens (status
    1). `skillstack undo` brings the frame back.
    """
    if apply and (len(frames) != 1 or family is not None):
        raise UsageError("--apply prunes one frame.", "Name it with --frame, once, and leave --family out.")
    from skillstack.cli.ablated import ablated_words
    from skillstack.cli.failures import Interrupted
    from skillstack.cli.progress import count_progress

    opened = open_stack(store, stack)
    before = opened.store.tip(opened.name)
    try:
        with count_progress("tasks") as show:
            found = opened.ablate(
                frames,
                family=family,
                margin=margin,
                level=level,
                apply=apply,
                data_dir=data_dir,
                tables=tables,
                model=model,
                device=device,
                on_task=show,
            )
    except KeyboardInterrupt:
        same = opened.store.tip(opened.name) == before
        said = "Nothing has changed." if same else "The frame is gone; `skillstack undo` brings it back."
        raise Interrupted(said) from None
    if as_json:
        render.document(found.to_json())
    else:
        render.out("\n".join(ablated_words(found)))
    return 1 if found.pruning is not None and not found.pruning.applied else 0
