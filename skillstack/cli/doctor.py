"""``skillstack doctor``."""

from __future__ import annotations

from pathlib import Path

import click

from skillstack.cli import render
from skillstack.cli.command import command


@command(
    "skillstack doctor",
    "skillstack doctor --preset hard8",
    "skillstack doctor --preset hard8 --model Qwen/Qwen2.5-1.5B-Instruct",
    "skillstack doctor --task agnews --data-dir data --json",
)
@click.option("--preset", metavar="NAME", help="For a training of this preset.")
@click.option("--task", "tasks", multiple=True, metavar="NAME", help="Of this task; give it once for each.")
@click.option("--data-dir", metavar="FOLDER", help="Holds a folder with the rows of each task.")
@click.option("--model", metavar="NAME", help="minilm (built in), smollm2, a folder, or a model of the hub.")
@click.option(
    "--precision",
    type=click.Choice(["auto", "fp32", "bf16", "fp16", "nf4"]),
    default="auto",
    show_default=True,
    help="How the base is held.",
)
@click.option(
    "--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True, help="Where."
)
def doctor(
    preset: str | None,
    tasks: tuple[str, ...],
    data_dir: str | None,
    model: str | None,
    precision: str,
    device: str,
    store: str | None,
    stack: str | None,
    as_json: bool,
) -> int:
    """Say what this machine is, what a training would choose, and what is missing for it.

    Nothing is downloaded or written. The status is 1 if what is asked for cannot run here.
    """
    from skillstack.cli.diagnosis import diagnosis_json, diagnosis_words
    from skillstack.cli.opening import store_folder
    from skillstack.forecast.examination import examine
    from skillstack.forecast.request import Request

    request = Request(
        preset=preset,
        tasks=tasks,
        data_dir=Path(data_dir) if data_dir is not None else None,
        model=model,
        precision=None if precision == "auto" else precision,
        device=device,
        store=store_folder(store),
    )
    examination = examine(request)
    if as_json:
        render.document(diagnosis_json(examination))
    else:
        render.out("\n".join(diagnosis_words(examination, request)))
    return 0 if examination.ready else 1
