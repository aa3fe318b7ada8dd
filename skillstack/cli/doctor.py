"""``skillstack doctor``."""

from __future__ import annotations

import click

from skillstack.cli import render
from skillstack.cli.bases import Wanted, wanting
from skillstack.cli.command import command


@command(
    "skillstack doctor",
    "skillstack doctor --preset hard8",
    "skillstack doctor --preset hard8 --model Qwen/Qwen2.5-1.5B-Instruct",
    "skillstack doctor --task agnews --data-dir data --json",
)
@wanting(
    preset="For a training of this preset.",
    task="Of this task; give it once for each.",
    device=click.option(
        "--device",
        type=click.Choice(["auto", "cpu", "cuda"]),
        default="auto",
        show_default=True,
        help="Where.",
    ),
)
def doctor(wanted: Wanted, store: str | None, stack: str | None, as_json: bool) -> int:
    """Say what this machine is, what a training would choose, and what is missing for it.

    Nothing is downloaded or written. The status is 1 if what is asked for cannot run here.
    """
    from skillstack.cli.diagnosis import diagnosis_json, diagnosis_words
    from skillstack.forecast.doctor import examine

    request = wanted.request(store, {})
    examination = examine(request)
    if as_json:
        render.document(diagnosis_json(examination))
    else:
        render.out("\n".join(diagnosis_words(examination, request)))
    return 0 if examination.ready else 1
