"""``skillstack report``."""

from __future__ import annotations

import textwrap
from pathlib import Path

import click

from skillstack.cli import render
from skillstack.cli.asking import router_option
from skillstack.cli.command import command
from skillstack.cli.exams import GO_ON, Exams, examining
from skillstack.cli.opening import open_stack

_GO_ON = f"Nothing was written. {GO_ON}"


@command(
    "skillstack report",
    "skillstack report --output hard8-report --data-dir data",
    "skillstack report --eval-samples-per-class all --no-matrix",
    "skillstack report --bench-cells results/methods/hard8-minilm",
)
@click.option(
    "--output", default="report", show_default=True, metavar="FOLDER",
    help="Where it goes; an older report there makes room.",
)  # fmt: skip
@examining
@click.option(
    "--matrix/--no-matrix", default=True, show_default=True, help="Ask every frame about every task as well."
)
@click.option("--bench-cells", metavar="FOLDER", help="Results of `skillstack bench`, to show them as well.")
@router_option()
def report(
    exams: Exams,
    output: str,
    matrix: bool,
    bench_cells: str | None,
    router: str,
    store: str | None,
    stack: str | None,
    as_json: bool,
) -> int:
    """Write one page that says how good the stack is and how sure that is, with everything that shows it.

    FOLDER gets report.html, which opens without a network, the same as report.md and report.json, and all
    tables (CSV) and plots (SVG, PDF). What `eval` has answered is not asked again.
    """
    from skillstack.cli.failures import Interrupted
    from skillstack.cli.progress import count_progress

    opened = open_stack(store, stack)
    try:
        with count_progress("answers") as show:
            done = opened.report(
                Path(output).expanduser(),
                matrix=matrix,
                bench_cells=bench_cells,
                router=router,
                **exams.options,
                on_answers=show,
            )
    except KeyboardInterrupt:
        raise Interrupted(_GO_ON) from None
    if as_json:
        found = {"path": str(done.folder), "page": str(done.page), "files": list(done.files)}
        render.document({**found, "stack": opened.name, "verdict": done.verdict.to_json()})
    else:
        render.out("\n".join(_words(str(done.page), len(done.files), done.verdict.headline)))
    return 0


def _words(page: str, files: int, headline: str) -> list[str]:
    found = textwrap.wrap(headline, render.width())
    return [*found, page, f"{files} files in all: the page, report.md, report.json, tables/ and plots/."]
