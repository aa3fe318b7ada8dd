"""``skillstack predict``."""

from __future__ import annotations

from collections.abc import Sequence

import click

from skillstack.answers import Predicted
from skillstack.cli import render
from skillstack.cli.asking import asking, question
from skillstack.cli.command import command
from skillstack.cli.opening import open_stack
from skillstack.frames.rows import Row


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
@click.option("--device", default="auto", show_default=True, metavar="NAME", help="auto, cpu or cuda.")
@click.option(
    "--precision-change",
    type=click.Choice(["fp32", "bf16", "fp16", "nf4"]),
    help="Hold the base in another precision than the frames were trained in.",
)
def predict(
    text: str | None,
    text_pair: str | None,
    source: str | None,
    output: str | None,
    text_column: str | None,
    pair_column: str | None,
    strict: bool,
    router: str,
    threshold: float | None,
    depth: int | None,
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
    asked = question(
        text,
        text_pair,
        source,
        output=output,
        text_column=text_column,
        pair_column=pair_column,
        strict=strict,
    )
    from skillstack.cli.answered import agreement_words, prediction_line, prediction_words

    opened = open_stack(store, stack)
    if precision_change is not None:
        render.note(agreement_words(opened.agreement(precision_change, model=model, device=device)))

    def answer(rows: list[Row]) -> Sequence[Predicted]:
        return opened.predict(
            rows,
            frame=frame,
            router=router,
            threshold=threshold,
            depth=depth,
            model=model,
            device=device,
            precision_change=precision_change,
        )

    if asked.row is not None:
        predicted = answer([asked.row])[0]
        if as_json:
            render.line(predicted.to_json())
        else:
            render.out("\n".join(prediction_words(predicted)))
        return 0
    from skillstack.cli.batch import answer_batch
    from skillstack.cli.cells import PREDICTION, prediction_cells

    return answer_batch(
        answer,
        lambda row, predicted: prediction_line(row.joined, predicted),
        prediction_cells,
        PREDICTION,
        source=asked.source or "-",
        output=output,
        strict=strict,
        as_json=as_json,
        text_column=text_column,
        pair_column=pair_column,
    )
