"""``skillstack route``."""

from __future__ import annotations

from skillstack.cli.asking import Asking, asking
from skillstack.cli.command import command
from skillstack.cli.opening import open_stack


@command(
    'skillstack route "please block my card"',
    'skillstack route "It never arrived." --text-pair "Was it delivered?"',
    "skillstack route --input texts.jsonl --json > routes.jsonl",
    "skillstack route --input tickets.csv --text-column body --output routed.csv",
    "cat texts.jsonl | skillstack route --input - --router hybrid_svm",
)
@asking
def route(asked: Asking, store: str | None, stack: str | None, as_json: bool) -> int:
    """Say which skill would answer a text, without loading a model.

    With --input, rows are answered as they come; "row" is the line's number, or the row's in a table. A row
    that cannot be answered gives {"row": ..., "error": ...} and, at the end, exit status 3.
    """
    asked.check()
    from skillstack.cli.answered import route_line, route_words
    from skillstack.cli.cells import ROUTE, route_cells

    opened = open_stack(store, stack)
    return asked.answer(
        lambda rows: opened.route(rows, **asked.routing),
        route_words,
        lambda row, routed: route_line(row.joined, routed),
        route_cells,
        ROUTE,
        as_json=as_json,
    )
