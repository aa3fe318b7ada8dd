"""``skillstack eval``."""

from __future__ import annotations

import click

from skillstack.cli import render
from skillstack.cli.asking import router_option
from skillstack.cli.command import command
from skillstack.cli.exams import GO_ON, Exams, examining
from skillstack.cli.opening import open_stack


@command(
    "skillstack eval",
    "skillstack eval --data-dir data --eval-samples-per-class all",
    "skillstack eval --task banking --task travel",
    "skillstack eval --test tickets=more-tickets.csv",
    "skillstack eval --matrix --json > evaluation.json",
)
@examining
@click.option("--matrix", is_flag=True, help="Ask every frame about every task as well.")
@router_option()
def eval_(
    exams: Exams,
    matrix: bool,
    router: str,
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
            found = opened.evaluate(matrix=matrix, router=router, **exams.options, on_answers=show)
    except KeyboardInterrupt:
        raise Interrupted(GO_ON) from None
    if as_json:
        render.document(evaluation_json(found))
    else:
        render.out("\n".join(evaluation_words(found)))
    return 0
