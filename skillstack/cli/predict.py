"""``skillstack predict``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from skillstack.answers import Predicted
from skillstack.cli import render
from skillstack.cli.asking import Asking, asking
from skillstack.cli.bases import device_option, precision_change_option
from skillstack.cli.command import command
from skillstack.cli.opening import open_stack
from skillstack.store.rows import Row


@command(
    'skillstack predict "please block my card"',
    'skillstack predict "What a film!" --frame imdb_sentences',
    "skillstack predict --input texts.jsonl --json > answers.jsonl",
    "skillstack predict --input texts.jsonl --output answers.jsonl --strict",
    "skillstack predict --input tickets.csv --text-column body --output answers.csv",
)
@asking
@click.option("--frame", metavar="NAME", help="Ask this frame instead of the one that the router picks.")
@click.option("--model", metavar="FOLDER", help="Where the base is, if not where the frames look for it.")
@device_option()
@precision_change_option("Hold the base in another precision than the frames were trained in.")
def predict(
    asked: Asking,
    frame: str | None,
    model: str | None,
    device: str,
    precision_change: str | None,
    store: str | None,
    stack: str | None,
    as_json: bool,
) -> int:
    """Answer a text with the skill that the router picks.

    With --input, rows are answered as they come; "row" is the line's number, or the row's in a table. A row
    that cannot be answered gives {"row": ..., "error": ...} and, at the end, exit status 3.
    """
    asked.check()
    from skillstack.cli.answered import agreement_words, prediction_line, prediction_words
    from skillstack.cli.cells import PREDICTION, prediction_cells

    opened = open_stack(store, stack)
    if precision_change is not None:
        render.note(agreement_words(opened.agreement(precision_change, model=model, device=device)))

    def answers(rows: list[Row]) -> Sequence[Predicted]:
        where: dict[str, Any] = {"model": model, "device": device, "precision_change": precision_change}
        return opened.predict(rows, frame=frame, **asked.routing, **where)

    return asked.answer(
        answers,
        prediction_words,
        lambda row, predicted: prediction_line(row.joined, predicted),
        prediction_cells,
        PREDICTION,
        as_json=as_json,
    )
