"""``skillstack fetch``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from skillstack.cli import render
from skillstack.cli.command import command
from skillstack.errors import UsageError
from skillstack.wording import clean_line

if TYPE_CHECKING:
    from skillstack.fetch import Fetched, FetchedItem


@command(
    "skillstack fetch --preset hard8",
    "skillstack fetch --preset hard8 --model Qwen/Qwen2.5-1.5B-Instruct",
    "skillstack fetch --task agnews --task imdb",
    "skillstack train --preset hard8 --data-dir offline/tasks",
)
@click.option("--preset", metavar="NAME", help="All tasks of this preset.")
@click.option("--task", "tasks", multiple=True, metavar="NAME", help="A task; give it once for each.")
@click.option(
    "--model", metavar="NAME", help="A model as well: of the hub (owner/name@revision), smollm2 ..."
)
@click.option(
    "--output", metavar="FOLDER", default="offline", show_default=True, help="Where it is gathered."
)
def fetch(
    preset: str | None,
    tasks: tuple[str, ...],
    model: str | None,
    output: str,
    store: str | None,
    stack: str | None,
    as_json: bool,
) -> None:
    """Get tasks and a model from the hub into one folder, for runs without a network.

    Stopped and run again, it goes on where it was. What it got is remembered in the user's cache as well, so
    this machine needs no --data-dir afterwards.
    """
    if preset is not None and tasks:
        raise UsageError("There are --preset and --task.", "Give one of the two.")
    if preset is None and not tasks and model is None:
        raise UsageError("There is nothing to fetch.", "Try `skillstack fetch --preset hard8`.")

    from skillstack.fetch import fetch as fetch_into

    fetched = fetch_into(preset, tasks=tasks, model=model, output=output, listen=render.note)
    if as_json:
        render.document(_to_json(fetched))
        return
    render.out("\n".join(_words(fetched)))


def _to_json(fetched: Fetched) -> dict[str, Any]:
    return {
        "folder": str(fetched.folder),
        "bytes": fetched.bytes,
        "items": [
            {
                "kind": item.kind,
                "name": item.name,
                "path": item.path or None,
                "state": _state(fetched, item),
                "bytes": item.bytes,
                "licence": item.licence,
                "origin": item.origin,
                "files": [
                    {"name": file.name, "bytes": file.bytes, "sha256": file.sha256} for file in item.files
                ],
            }
            for item in fetched.items
        ],
    }


def _words(fetched: Fetched) -> list[str]:
    from skillstack.cli.words import columns, shorten
    from skillstack.wording import size

    items = fetched.items
    rows = [
        [
            item.name,
            "" if item.shipped else size(item.bytes),
            {"shipped": "ships along", "new": "fetched", "kept": "was there"}[_state(fetched, item)],
            shorten(item.licence, 32),
        ]
        for item in items
    ]
    lines = columns(rows, right=(1,))
    if all(item.shipped for item in items):
        return [*lines, "", "Nothing to download: it all ships with the package."]
    folder = clean_line(str(fetched.folder))
    lines += ["", f"{size(fetched.bytes)} in {folder}. To train from it without a network:"]
    if any(item.kind == "task" and not item.shipped for item in items):
        lines.append(f"  --data-dir {folder}/tasks")
    return lines + [f"  --model {folder}/{item.path}" for item in items if item.kind == "model"]


def _state(fetched: Fetched, item: FetchedItem) -> str:
    return "shipped" if item.shipped else "new" if item.name in fetched.new else "kept"
