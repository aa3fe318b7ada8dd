"""``skillstack train``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from skillstack.cli import render
from skillstack.cli.command import command
from skillstack.cli.execution import execution_options, launched_place
from skillstack.cli.failures import OUT_OF_TIME, Interrupted
from skillstack.errors import SkillStackError, UsageError

if TYPE_CHECKING:
    from skillstack.training.events import Event


@command(
    "skillstack train --preset starter8",
    "skillstack train --preset hard8 --data-dir data",
    "skillstack train --preset hard8 --dry-run",
    "skillstack train --task imdb --task agnews --data-dir data --stack mine",
    "skillstack train --preset starter8 --model smollm2 --stack small-llm",
    "skillstack train --task banking --stack quick --epochs 1 --batch-size 8",
    "skillstack train --preset starter8 --time-limit 8h",
    "accelerate launch --num_processes 2 -m skillstack train --preset starter8",
)
@click.option("--preset", metavar="NAME", help="A named sequence of tasks; --list-presets shows them.")
@click.option("--task", "tasks", multiple=True, metavar="NAME", help="A task; give it once for each.")
@click.option("--data-dir", metavar="FOLDER", help="Holds a folder with the rows of each task.")
@click.option("--model", metavar="NAME", help="minilm (built in), smollm2, a folder, or a model of the hub.")
@click.option(
    "--precision",
    type=click.Choice(["auto", "fp32", "bf16", "fp16", "nf4"]),
    default="auto",
    show_default=True,
    help="How the base is held.",
)
@click.option("--device", default="auto", show_default=True, metavar="NAME", help="auto, cpu or cuda.")
@click.option("--init", type=click.Choice(["auto", "parent", "fresh"]), help="What an adapter starts from.")
@click.option("--keep-head", is_flag=True, help="Go on with the parent's head where the labels are the same.")
@click.option("--seed", type=int, metavar="N", help="Of rows, order, start and dropout.")
@click.option("--samples-per-class", type=int, metavar="N", help="Training rows per class; 0 takes all.")
@click.option("--max-length", type=int, metavar="N", help="Tokens per row.")
@click.option("--epochs", type=int, metavar="N", help="Passes over the rows at most.")
@click.option("--learning-rate", type=float, metavar="X", help="Of the adapter.")
@click.option("--rank", type=int, metavar="R", help="Of the LoRA adapters.")
@click.option("--router-samples", type=int, metavar="N", help="Rows per task from which the router learns.")
@execution_options
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Any other field of the recipe.")
@click.option("--no-keep-texts", is_flag=True, help="Keep hashed features in the store, no texts.")
@click.option("--dry-run", is_flag=True, help="Say what would be trained, from what and how long, and stop.")
@click.option("--list-presets", is_flag=True, help="List the presets and stop.")
def train(
    preset: str | None,
    tasks: tuple[str, ...],
    data_dir: str | None,
    model: str | None,
    precision: str,
    device: str,
    init: str | None,
    keep_head: bool,
    seed: int | None,
    samples_per_class: int | None,
    max_length: int | None,
    epochs: int | None,
    learning_rate: float | None,
    rank: int | None,
    router_samples: int | None,
    batch_size: int | None,
    micro_batch: int,
    accumulate: int,
    gradient_checkpointing: bool | None,
    time_limit: float | None,
    settings: tuple[str, ...],
    no_keep_texts: bool,
    dry_run: bool,
    list_presets: bool,
    store: str | None,
    stack: str | None,
    as_json: bool,
) -> int:
    """Train a stack of frames, one task after another.

    Makes ./frames where there is no store yet. Run again, it goes on where it was stopped, and does nothing
    where all is done. A recipe's fields that are not given come from the preset and the model's kind.
    Where memory runs out, fewer rows pass at once and the training goes on.
    """
    from skillstack.cli.recipes import check_names, chosen_recipe, preset_json, preset_words

    if list_presets:
        if as_json:
            render.document({"presets": preset_json()})
        else:
            render.out("\n".join(preset_words()))
        return 0
    if (preset is None) == (not tasks):
        wrong = "No preset and no task is named." if preset is None else "There are --preset and --task."
        raise UsageError(wrong, "Try `skillstack train --preset starter8`; --list-presets shows the others.")
    named = {
        "init": init,
        "keep_head": keep_head or None,
        "seed": seed,
        "samples_per_class": samples_per_class,
        "max_length": max_length,
        "epochs": epochs,
        "learning_rate": learning_rate,
        "r": rank,
        "router_samples": router_samples,
        "batch_size": batch_size or None,
    }
    # What is quick to see is said before anything large is loaded.
    check_names(preset, tasks, data_dir, stack)
    recipe = chosen_recipe({name: value for name, value in named.items() if value is not None}, settings)
    if dry_run:
        from skillstack.cli.dry_run import show_dry_run
        from skillstack.cli.opening import store_folder
        from skillstack.forecast.request import Request

        request = Request(
            preset=preset,
            tasks=tasks,
            data_dir=Path(data_dir) if data_dir is not None else None,
            model=model,
            precision=None if precision == "auto" else precision,
            device=device,
            store=store_folder(store),
            overrides=recipe,
        )
        show_dry_run(request, store, stack, keep_texts=not no_keep_texts, as_json=as_json)
        return 0

    from skillstack.cli.interrupts import remembered_interrupts
    from skillstack.cli.summary import Summary
    from skillstack.cli.training import training_progress

    summary, place = Summary(), launched_place()
    try:
        if not place:
            render.note("Loading ...")
        from skillstack.api import Stack

        with training_progress(silent=place > 0) as show, remembered_interrupts() as check_interrupt:

            def listen(event: Event) -> None:
                check_interrupt()
                summary.add(event)
                show(event)

            trained = Stack.train(
                preset,
                tasks=tasks,
                data_dir=data_dir,
                store=store,
                stack=stack,
                model=model,
                precision=None if precision == "auto" else precision,
                device=device,
                recipe=recipe,
                keep_texts=not no_keep_texts,
                time_limit=time_limit,
                micro_batch=micro_batch,
                accumulate=accumulate,
                gradient_checkpointing=gradient_checkpointing,
                on_event=listen,
            )
    except KeyboardInterrupt:
        raise Interrupted("Run the same command again to go on where it stopped.") from None
    except SkillStackError as error:
        if not place:
            raise
        render.note(f"process {place}: {error}")
        raise click.exceptions.Exit(error.exit_status) from None
    from skillstack.training.processes import leave_processes

    leave_processes()
    if not place and as_json:
        render.document(summary.to_json(trained))
    elif not place:
        render.out("\n".join(summary.words(trained, store)))
    # A launcher ends all processes when one ends with an error, and the first one may not have written yet.
    return 0 if trained.complete or place else OUT_OF_TIME
