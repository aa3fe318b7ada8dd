"""``skillstack train``."""

from __future__ import annotations

import click

from skillstack.cli import render
from skillstack.cli.bases import Wanted, wanting
from skillstack.cli.command import command
from skillstack.cli.execution import Carried, carrying, launched_place
from skillstack.cli.failures import OUT_OF_TIME
from skillstack.cli.merging import Merging, merging
from skillstack.errors import SkillStackError, UsageError


@command(
    "skillstack train --preset starter8",
    "skillstack train --preset hard8 --data-dir data",
    "skillstack train --preset hard8 --dry-run",
    "skillstack train --task imdb --task agnews --data-dir data --stack mine",
    "skillstack train --preset starter8 --model smollm2 --stack small-llm",
    "skillstack train --task banking --stack quick --epochs 1 --batch-size 8",
    "skillstack train --preset starter8 --time-limit 8h",
    "skillstack train --preset hard8 --data-dir data --auto-compress --stack few",
    "accelerate launch --num_processes 2 -m skillstack train --preset starter8",
)
@wanting(
    preset="A named sequence of tasks; --list-presets shows them.", task="A task; give it once for each."
)
@click.option("--init", type=click.Choice(["auto", "parent", "fresh"]), help="What an adapter starts from.")
@click.option("--keep-head", is_flag=True, help="Go on with the parent's head where the labels are the same.")
@click.option("--seed", type=int, metavar="N", help="Of rows, order, start and dropout.")
@click.option("--samples-per-class", type=int, metavar="N", help="Training rows per class; 0 takes all.")
@click.option("--max-length", type=int, metavar="N", help="Tokens per row.")
@click.option("--epochs", type=int, metavar="N", help="Passes over the rows at most.")
@click.option("--learning-rate", type=float, metavar="X", help="Of the adapter.")
@click.option("--rank", type=int, metavar="R", help="Of the LoRA adapters.")
@click.option("--router-samples", type=int, metavar="N", help="Rows per task from which the router learns.")
@carrying
@merging
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Any other field of the recipe.")
@click.option("--no-keep-texts", is_flag=True, help="Keep hashed features in the store, no texts.")
@click.option("--dry-run", is_flag=True, help="Say what would be trained, from what and how long, and stop.")
@click.option("--list-presets", is_flag=True, help="List the presets and stop.")
def train(
    wanted: Wanted,
    init: str | None,
    keep_head: bool,
    seed: int | None,
    samples_per_class: int | None,
    max_length: int | None,
    epochs: int | None,
    learning_rate: float | None,
    rank: int | None,
    router_samples: int | None,
    carried: Carried,
    merging: Merging,
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
    if (wanted.preset is None) == (not wanted.tasks):
        wrong = (
            "No preset and no task is named." if wanted.preset is None else "There are --preset and --task."
        )
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
        "batch_size": carried.batch_size or None,
    }
    # What is quick to see is said before anything large is loaded.
    check_names(wanted.preset, wanted.tasks, wanted.data_dir, stack)
    recipe = chosen_recipe({name: value for name, value in named.items() if value is not None}, settings)
    if dry_run:
        from skillstack.cli.dry_run import show_dry_run

        request = wanted.request(store, recipe)
        merges = merging.auto_compress
        keep = not no_keep_texts
        show_dry_run(request, store, stack, keep_texts=keep, as_json=as_json, merges=merges)
        return 0

    from skillstack.cli.summary import Summary
    from skillstack.cli.watching import watched_training

    summary, place = Summary(), launched_place()
    try:
        if not place:
            render.note("Loading ...")
        with watched_training(summary.add, silent=place > 0) as listen:
            from skillstack.api import Stack

            trained = Stack.train(
                **vars(wanted),
                store=store,
                stack=stack,
                recipe=recipe,
                keep_texts=not no_keep_texts,
                **carried.settings,
                **merging.settings,
                on_event=listen,
            )
    except SkillStackError as error:
        if not place:
            raise
        render.note(f"process {place}: {error}")
        raise click.exceptions.Exit(error.exit_status) from None
    from skillstack.training.execution import leave_processes

    leave_processes()
    if not place and as_json:
        render.document(summary.to_json(trained))
    elif not place:
        render.out("\n".join(summary.words(trained, store)))
    # A launcher ends all processes when one ends with an error, and the first one may not have written yet.
    return 0 if trained.complete or place else OUT_OF_TIME
