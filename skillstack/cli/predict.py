"""``skillstack predict``: a text, answered by the skill that the router picks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from skillstack.cli import console
from skillstack.cli.command import Invocation, command
from skillstack.cli.console import pairs, shorten
from skillstack.cli.options import between, device_option, model_option, precision_change_option
from skillstack.cli.route import Asking, asking, route_details, route_words, with_text
from skillstack.store.rows import Row
from skillstack.wording import clean_line, percent

if TYPE_CHECKING:
    from skillstack.cli.batch import Form
    from skillstack.results import Agreement, Predicted

#: How many other labels are listed with their probability.
LABELS = 3


@command(
    'skillstack predict "please block my card"',
    'skillstack predict "What a film!" --frame imdb_sentences',
    "skillstack predict --input texts.jsonl --json > answers.jsonl",
    "skillstack predict --input texts.jsonl --output answers.jsonl --strict",
    "skillstack predict --input tickets.csv --text-column body --output answers.csv",
    "skillstack predict --input tickets.csv --output sure.csv --min-probability 0.8",
)
@asking
@click.option("--frame", metavar="NAME", help="Ask this frame instead of the one that the router picks.")
@click.option(
    "--min-probability", metavar="P", callback=between("minimum probability", 1),
    help="Give no label where its probability is below this one, such as 0.8.",
)  # fmt: skip
@model_option()
@device_option()
@precision_change_option()
def predict(
    call: Invocation,
    asked: Asking,
    frame: str | None,
    min_probability: float | None,
    model: str | None,
    device: str,
    precision_change: str | None,
) -> int:
    """Answer a text with the skill that the router picks.

    With --input, each row gets an answer; "row" is its line number, or its number in the table. A row that
    cannot be answered gives {"row": ..., "error": ...} and, at the end, exit status 3.

    With --min-probability, an unsure answer has no label; "nearest" is the label that it would have been.
    """
    row = asked.check()
    opened = call.open(model=model, precision=precision_change, device=device)
    if precision_change is not None:
        console.note(agreement_words(opened.agreement()))

    def answers(rows: list[Row]) -> Sequence[Predicted]:
        return opened.predict(rows, frame=frame, min_probability=min_probability, **asked.routing)

    def form() -> Form[Predicted]:
        from skillstack.cli.batch import PREDICTION, Form, prediction_cells

        return Form(prediction_line, prediction_cells, PREDICTION)

    return asked.answer(row, answers, prediction_words, form, as_json=call.as_json)


def prediction_words(predicted: Predicted) -> list[str]:
    """A prediction in full."""
    routed, name = predicted.routed, predicted.label_name if predicted.nearest is None else predicted.nearest
    if name is None:
        return route_words(routed)
    ranked = sorted(predicted.probabilities.items(), key=lambda item: -item[1])
    others = ", ".join(f"{shorten(label, 30)} {percent(p)}" for label, p in ranked[1 : 1 + LABELS])
    if len(ranked) > 1 + LABELS:
        others += f", {len(ranked) - 1 - LABELS} more"
    details = [("other labels", others), ("task", f"{routed.task} ({routed.family})")]
    if predicted.truncated:
        details.append(("note", "the text was too long and was cut"))
    title = f"{name} ({percent(predicted.probabilities[name])})"
    if predicted.nearest is not None:
        title = f"unsure: nearest is {title}"
    return [clean_line(title), *pairs([*details, *route_details(routed)])]


def prediction_line(text: str, predicted: Predicted) -> str:
    """A prediction in a list of many."""
    name = predicted.label_name if predicted.nearest is None else predicted.nearest
    share = percent(predicted.probabilities[name]) if name is not None else ""
    label = "unsure" if predicted.nearest is not None else shorten(name or "rejected", 24)
    return with_text(f"{share:>7}  {label:<16}  {predicted.routed.task or '-':<16}", text)


def agreement_words(agreement: Agreement | None) -> str:
    """What a change of precision does to the answers."""
    if agreement is None:
        return "The frames were trained at this precision."
    return (
        f"The frames were trained at {agreement.trained}; at {agreement.held} they give the same label to "
        f"{agreement.same} of {agreement.n} test questions."
    )
