"""``skillstack fetch``: tasks and a model in one folder, for runs without a network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from skillstack.cli import console
from skillstack.cli.command import Invocation, command
from skillstack.cli.console import shorten, table
from skillstack.cli.options import task_option
from skillstack.errors import UsageError
from skillstack.wording import size

if TYPE_CHECKING:
    from skillstack.fetch import Fetched


@command(
    "skillstack fetch --preset hard8",
    "skillstack fetch --preset hard8 --model Qwen/Qwen2.5-1.5B-Instruct",
    "skillstack fetch --task agnews --task imdb",
    "skillstack train --preset hard8 --data-dir offline/tasks",
)
@click.option("--preset", metavar="NAME", help="Preset whose tasks are downloaded.")
@task_option
@click.option(
    "--model", metavar="NAME", help="Model to download: smollm2, or one of the hub (owner/name@revision)."
)
@click.option(
    "--output", metavar="FOLDER", default="offline", show_default=True, help="Folder to download into."
)
def fetch(
    call: Invocation, preset: str | None, tasks: tuple[str, ...], model: str | None, output: str
) -> None:
    """Download tasks and a model from the hub into one folder, for runs without a network.

    Stopped and run again, it continues where it was. What was downloaded is also remembered in the user's
    cache, so this machine needs no --data-dir afterwards.
    """
    if preset is not None and tasks:
        raise UsageError("Both --preset and --task given.", "Give one of the two.")
    if preset is None and not tasks and model is None:
        raise UsageError("There is nothing to fetch.", "Try `skillstack fetch --preset hard8`.")
    from skillstack.fetch import fetch as fetch_into

    fetched = fetch_into(preset, tasks=tasks, model=model, output=output, listen=console.note)
    call.answer(fetched.to_json, lambda: _words(fetched))


def _words(fetched: Fetched) -> list[str]:
    states = {"shipped": "in the package", "new": "downloaded", "kept": "was there already"}
    rows = [
        [
            item.name,
            "" if item.shipped else size(item.bytes),
            states[fetched.state(item)],
            shorten(item.licence, 32),
        ]
        for item in fetched.items
    ]
    lines = table([], rows, left=(0, 2, 3), indent=0)
    if all(item.shipped for item in fetched.items):
        return [*lines, "", "There is nothing to download: everything ships with the package."]
    lines += ["", f"{size(fetched.bytes)} in {fetched.folder}. To train from it without a network:"]
    if any(item.kind == "task" and not item.shipped for item in fetched.items):
        lines.append("  " + console.quoted(["--data-dir", str(fetched.folder / "tasks")]))
    models = [str(fetched.folder / item.path) for item in fetched.items if item.kind == "model"]
    return lines + ["  " + console.quoted(["--model", model]) for model in models]
