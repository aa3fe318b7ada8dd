"""``skillstack report``: one page of everything that was measured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from skillstack.cli import console
from skillstack.cli.command import Invocation, command
from skillstack.cli.console import wrapped
from skillstack.cli.eval import GO_ON
from skillstack.cli.inputs import say_own_tables
from skillstack.cli.options import measuring, router_option, where


@command(
    "skillstack report",
    "skillstack report --output hard8-report --data-dir data",
    "skillstack report --eval-samples-per-class all --no-matrix",
    "skillstack report --bench-cells results/methods/hard8-minilm",
)
@click.option(
    "--output", default="report", show_default=True, metavar="FOLDER",
    help="Folder to write to; an older report there is replaced.",
)  # fmt: skip
@measuring
@click.option(
    "--matrix/--no-matrix", default=True, show_default=True, help="Also evaluate every frame on every task."
)
@click.option("--bench-cells", metavar="FOLDER", help="Results of `skillstack bench` to include.")
@router_option
def report(call: Invocation, output: str, measured: dict[str, Any], **chosen: Any) -> int:
    """Write one page that shows how good the stack is and how sure that is, with tables and plots.

    FOLDER gets report.html, which opens without a network, the same as report.md and report.json, and all
    tables (CSV) and plots (SVG, PDF). Answers of `eval` are reused.
    """
    opened = call.open(**where(measured))
    say_own_tables(opened, measured["tables"], "--test", measured["only"])
    with console.count_progress("answers", interrupted=f"Nothing was written. {GO_ON}") as show:
        done = opened.report(Path(output).expanduser(), **chosen, **measured, on_answers=show)
    found = {
        "path": str(done.folder),
        "page": str(done.page),
        "files": list(done.files),
        "stack": opened.name,
    }
    parts = "the page, report.md, report.json, tables/ and plots/"
    call.answer(
        lambda: {**found, "verdict": done.verdict.to_json()},
        lambda: [
            *wrapped(done.verdict.headline),
            str(done.page),
            f"{len(done.files)} files in all: {parts}.",
        ],
    )
    return 0
