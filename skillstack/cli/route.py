"""``skillstack route``."""

from __future__ import annotations

from skillstack.cli import render
from skillstack.cli.asking import asking, question
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
def route(
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
    store: str | None,
    stack: str | None,
    as_json: bool,
) -> int:
    """Say which skill would answer a text, without loading a model.

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
    from skillstack.cli.answered import route_line, route_words

    opened = open_stack(store, stack)
    if asked.row is not None:
        routed = opened.route([asked.row], router=router, threshold=threshold, depth=depth)[0]
        if as_json:
            render.line(routed.to_json())
        else:
            render.out("\n".join(route_words(routed)))
        return 0
    from skillstack.cli.batch import answer_batch
    from skillstack.cli.cells import ROUTE, route_cells

    return answer_batch(
        lambda rows: opened.route(rows, router=router, threshold=threshold, depth=depth),
        lambda row, routed: route_line(row.joined, routed),
        route_cells,
        ROUTE,
        source=asked.source or "-",
        output=output,
        strict=strict,
        as_json=as_json,
        text_column=text_column,
        pair_column=pair_column,
    )
