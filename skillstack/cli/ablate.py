"""``skillstack ablate``."""

from __future__ import annotations

import click

from skillstack.cli import render
from skillstack.cli.command import command
from skillstack.cli.guarding import Guards, guarding, interruptible, refusal
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
@click.option("--apply", is_flag=True, help="Test the one frame on guard rows, and prune it if it passes.")
@guarding
def ablate(
    frames: tuple[str, ...],
    family: str | None,
    apply: bool,
    guards: Guards,
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
    from skillstack.cli.progress import count_progress

    opened = open_stack(store, stack)
    with (
        interruptible(opened, "The frame is gone; `skillstack undo` brings it back."),
        count_progress("tasks") as show,
    ):
        found = opened.ablate(frames, family=family, apply=apply, on_task=show, **guards.options)
    if as_json:
        render.document(found.to_json())
    else:
        render.out("\n".join(ablated_words(found, refusal(opened))))
    return 1 if found.pruning is not None and not found.pruning.applied else 0
