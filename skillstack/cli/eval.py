"""``skillstack eval``."""

from __future__ import annotations

from pathlib import Path

import click

from skillstack.cli import render
from skillstack.cli.bases import device_option, model_option, precision_change_option
from skillstack.cli.command import command
from skillstack.cli.opening import open_stack
from skillstack.errors import UsageError

_GO_ON = "What was answered is kept; run the same command again to go on."


def _count(_: click.Context, __: click.Parameter, value: str) -> int | None:
    if value == "all":
        return None
    if not value.isdigit() or int(value) < 1:
        raise UsageError(f"{value[:40]!r} is no number of rows.", "Give a number from 1 on, or all.")
    return int(value)


def _tables(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for value in values:
        name, equals, path = value.partition("=")
        if not equals or not name or not path:
            raise UsageError(f"--test takes NAME=FILE, not {value[:80]!r}.", "For example tickets=more.csv.")
        if name in found:
            raise UsageError(f"--test is given twice for {name[:80]!r}.", "Leave one of them out.")
        found[name] = Path(path)
    return found


@command(
    "skillstack eval",
    "skillstack eval --data-dir data --eval-samples-per-class all",
    "skillstack eval --task banking --task travel",
    "skillstack eval --test tickets=more-tickets.csv",
    "skillstack eval --matrix --json > evaluation.json",
)
@click.option("--data-dir", metavar="FOLDER", help="Holds a folder with the rows of each task.")
@click.option(
    "--task", "tasks", multiple=True, metavar="NAME", help="Of this task alone; give it once for each."
)
@click.option(
    "--test", "tables", multiple=True, metavar="NAME=FILE", callback=_tables,
    help="Labelled rows of your own for a skill: CSV, TSV, JSON lines or Parquet.",
)  # fmt: skip
@click.option(
    "--eval-samples-per-class", "per_class", default="64", show_default=True, metavar="N", callback=_count,
    help="Test rows of each class at most, or all.",
)  # fmt: skip
@click.option("--matrix", is_flag=True, help="Ask every frame about every task as well.")
@click.option(
    "--router", default="hybrid_chain", show_default=True, metavar="NAME", help="hybrid_chain or hybrid_svm."
)
@model_option("Where the base is, if not where the frames look for it.")
@device_option()
@precision_change_option("Hold the base in another precision than the frames were trained in.")
def eval_(
    data_dir: str | None,
    tasks: tuple[str, ...],
    tables: dict[str, Path],
    per_class: int | None,
    matrix: bool,
    router: str,
    model: str | None,
    device: str,
    precision_change: str | None,
    store: str | None,
    stack: str | None,
    as_json: bool,
) -> int:
    """Say how good the stack is, how sure that is, and what would do instead.

    Every test text is answered by its own frame, by the frame that the router picks, by the newest adapter,
    and by a linear head on the frozen base. Answers are kept, so a second call is quick. Intervals hold the
    true figure 95 times in 100.
    """
    from skillstack.cli.evaluated import evaluation_words
    from skillstack.cli.failures import Interrupted
    from skillstack.cli.progress import count_progress
    from skillstack.evaluation.document import evaluation_json

    opened = open_stack(store, stack)
    try:
        with count_progress("answers") as show:
            found = opened.evaluate(
                per_class=per_class,
                data_dir=data_dir,
                tables=tables,
                only=tasks,
                matrix=matrix,
                router=router,
                model=model,
                device=device,
                precision_change=precision_change,
                on_answers=show,
            )
    except KeyboardInterrupt:
        raise Interrupted(_GO_ON) from None
    if as_json:
        render.document(evaluation_json(found))
    else:
        render.out("\n".join(evaluation_words(found)))
    return 0
