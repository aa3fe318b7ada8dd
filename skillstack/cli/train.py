"""``skillstack train``: frames trained one task after another, a table of them, and the presets."""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

from skillstack.cli import console
from skillstack.cli.command import Invocation, command
from skillstack.cli.console import OUT_OF_TIME, accuracy, fields, shorten, table, wrapped
from skillstack.cli.options import (
    Running,
    Wanted,
    batch_size_option,
    recipe_options,
    running,
    seed_option,
    wanting,
)
from skillstack.errors import SkillStackError
from skillstack.wording import many, percent, seconds

if TYPE_CHECKING:
    from skillstack.stack import Trained
    from skillstack.store.records import Count
    from skillstack.training.progress import Event, FamilySettled, FrameDone

_RECIPE = (
    click.option(
        "--init", type=click.Choice(["auto", "parent", "fresh"]),
        help="Initial adapter: the parent's, a fresh one, or auto for the better of the two.",
    ),
    click.option(
        "--keep-head", is_flag=True, help="Start from the parent's head where the labels are the same.",
        callback=lambda context, option, value: value or None,
    ),
    seed_option,
    click.option("--samples-per-class", type=int, metavar="N", help="Training rows per class; 0 uses all."),
    click.option("--max-length", type=int, metavar="N", help="Maximum number of tokens per row."),
    click.option("--epochs", type=int, metavar="N", help="Maximum number of epochs."),
    click.option("--learning-rate", type=float, metavar="X", help="Adapter learning rate."),
    click.option("--rank", "r", type=int, metavar="R", help="Rank of the LoRA adapters."),
    click.option("--router-samples", type=int, metavar="N", help="Rows per task that train the router."),
    batch_size_option,
)  # fmt: skip


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
@wanting
@recipe_options(*_RECIPE)
@running
@click.option(
    "--dry-run", is_flag=True, help="Show what would be trained, from which data and how long; exit."
)
@click.option("--list-presets", is_flag=True, help="List the presets and exit.")
def train(
    call: Invocation,
    wanted: Wanted,
    recipe: dict[str, Any],
    run: Running,
    dry_run: bool,
    list_presets: bool,
) -> int:
    """Train a stack of frames, one task after another.

    Makes ./frames where there is no store yet. Run again, it continues where it stopped, and does nothing
    where all is done. Fields of the recipe that are not given come from the preset and the kind of model.
    If memory runs out, fewer rows pass through the model at once and the training continues.
    """
    if list_presets:
        call.answer(lambda: {"presets": preset_json()}, preset_words)
        return 0
    # Mistakes that are quick to find are reported before anything large is loaded.
    if call.stack is not None:
        from skillstack.store.fields import check_name

        check_name(call.stack, "The stack")
    wanted.check()
    if dry_run:
        from skillstack.cli.dry_run import show_dry_run

        show_dry_run(call, wanted.request(call.store, recipe), run.keep_texts, run.auto_compress)
        return 0
    from skillstack.cli.watching import watched_training

    summary, place, before = Summary(), launched_place(), call.current()
    try:
        if not place:
            console.note("Loading ...")
        with watched_training(summary.add, silent=place > 0) as listen:
            from skillstack.stack import Stack
            from skillstack.training.recipe import Recipe
            from skillstack.training.resolve import stack_name

            opened = Stack.open(
                call.store,
                stack_name(call.stack, wanted.preset),
                model=wanted.model,
                precision=wanted.precision,
                device=wanted.device,
                create=True,
            )
            trained = opened.train(
                wanted.preset,
                tasks=wanted.tasks,
                data_dir=wanted.data_dir,
                recipe=Recipe(**recipe),
                keep_texts=run.keep_texts,
                run=run.options(on_event=listen),
            )
    except SkillStackError as error:
        if not place:
            raise
        console.note(f"process {place}: {error}")
        raise click.exceptions.Exit(error.exit_status) from None
    from skillstack.training.execution import leave_processes

    leave_processes()
    if not place:
        call.answer(lambda: summary.to_json(trained), lambda: summary.words(trained, call, before))
    # A launcher ends all processes when one ends with an error, and the first one may not have written yet.
    return 0 if trained.complete or place else OUT_OF_TIME


def launched_place() -> int:
    """This process's number among those that `accelerate launch` started, from 0; the first one speaks."""
    several = os.environ.get("WORLD_SIZE", "1") != "1"
    return int(os.environ.get("RANK", "0")) if several else 0


@dataclass
class Summary:
    """Collects the frames that were finished.

    :ivar done: their last events, in order.
    :ivar settled: what became of families that new frames were tried against.
    """

    done: list[FrameDone] = field(default_factory=list)
    settled: list[FamilySettled] = field(default_factory=list)

    def add(self, event: Event) -> None:
        """Listen to a training."""
        from skillstack.training.progress import FamilySettled, FrameDone

        if isinstance(event, FrameDone):
            self.done.append(event)
        elif isinstance(event, FamilySettled):
            self.settled.append(event)

    def to_json(self, trained: Trained) -> dict[str, Any]:
        """As `train --json` shows it."""
        return {
            "stack": trained.stack.name,
            **fields(trained, "tip", "complete", "trained", "kept"),
            "frames": [
                {
                    **fields(frame, "name", "chosen"),
                    "id": frame.frame_id,
                    "dev": _count(frame.dev),
                    "frozen_linear_dev": _count(frame.frozen_linear),
                    "seconds": round(frame.seconds, 3),
                }
                for frame in self.done
            ],
            "settled": [dataclasses.asdict(one) for one in self.settled],
        }

    def words(self, trained: Trained, call: Invocation, before: str | None = None) -> list[str]:
        """A table of the frames, which stack is now the current one, and the next commands to try.

        :param before: the stack that was the current one.
        """
        from skillstack.cli.watching import UNFINISHED

        frames = {*trained.trained, *trained.kept}
        text = "please block my card" if "banking" in frames else "a text of yours"
        tries = (call.line("route", text), call.line("predict", text), call.line("log"))
        now = call.now_current(before, trained.stack.name) if trained.tip is not None else []
        after = [*now, "", "Try", *(f"  {line}" for line in tries)] if trained.complete else ["", *UNFINISHED]
        if not trained.trained:
            there = f"{many(len(trained.kept), 'frame')} of {trained.stack.name} are there"
            if trained.complete:
                return [f"Nothing to do: {there} already.", *after]
            return [*([f"{there}."] if trained.kept else []), *UNFINISHED]
        lines = [f"{trained.stack.name}: {many(len(trained.trained), 'frame')} trained"]
        if trained.kept:
            lines[0] += f", {len(trained.kept):,} there already"
        merged = [one for one in self.settled if one.merged is not None]
        if merged:
            again = f"{many(len(self.settled), 'time')} tried, {len(merged)} of them merged"
            lines.append(f"Families: {again}; `skillstack log` shows the frames that there are now.")
        return [*lines, "", *self._table(), *after]

    def _table(self) -> list[str]:
        done = self.done
        rows = [
            [
                one.name,
                accuracy(one.dev),
                percent(one.frozen_linear.accuracy),
                one.chosen,
                seconds(one.seconds),
            ]
            for one in done
        ]
        if len(done) > 1:
            dev = percent(sum(one.dev.accuracy for one in done) / len(done))
            frozen = percent(sum(one.frozen_linear.accuracy for one in done) / len(done))
            rows.append(["mean", dev, frozen, "", seconds(sum(one.seconds for one in done))])
        heads = ["FRAME", "DEV ACCURACY", "FROZEN LINEAR", "CHOSEN", "TIME"]
        return table(heads, rows, left=(0, 1, 2, 3), indent=0)


def _count(count: Count) -> dict[str, Any]:
    return {"correct": count.correct, "n": count.n, "accuracy": round(count.accuracy, 6)}


def preset_json() -> list[dict[str, Any]]:
    """Every preset with its tasks and where their rows come from."""
    from skillstack.data.presets import load_preset, preset_names

    return [
        {
            **fields(preset, "name", "description"),
            "tasks": [fields(task, "name", "source") for task in preset.tasks],
        }
        for preset in map(load_preset, preset_names())
    ]


def preset_words() -> list[str]:
    """A paragraph for each preset."""
    lines: list[str] = []
    for preset in preset_json():
        lines += [f"{preset['name']}  {shorten(preset['description'], 110)}"]
        lines += wrapped(", ".join(task["name"] for task in preset["tasks"]), "    ", "    ")
        if any(task["source"] == "folder" for task in preset["tasks"]):
            lines.append("    from the hub, or from --data-dir")
        lines.append("")
    return lines[:-1]
