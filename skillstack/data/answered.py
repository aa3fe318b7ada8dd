"""Answers beside the rows of a data frame: the same kind of frame back, with columns added.

Neither pandas nor polars is imported: their frames are known by what they can do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from skillstack.data.memory import cells_of
from skillstack.data.tables import free_names
from skillstack.errors import InputError, UsageError, did_you_mean
from skillstack.results import Predicted
from skillstack.store.rows import Row, check_row, values_of

A = TypeVar("A")


def predict_table(
    table: Any, text: str, pair: str | None, answer: Callable[[list[Row]], Sequence[Predicted]]
) -> Any:
    """A data frame with answers beside its columns; of an Arrow table or a data set, a list of answers.

    In a data frame, a row that cannot be answered says why in its column ``error``; in a list it is an error.

    :param text: the column of the texts; likewise ``pair``, of second texts.
    :raises UsageError: if there is no such column.
    :raises InputError: if it is no table, or a row of a list cannot be answered.
    """
    listed = isinstance(getattr(table, "column_names", None), list)
    names = table.column_names if listed else getattr(table, "columns", None)
    if names is None or not hasattr(table, "__getitem__"):
        raise InputError(
            f"A value of the type {type(table).__name__} has no columns.",
            "Give a data frame or a data set, or leave text_column out.",
        )
    known = list(names)
    for name in filter(None, (text, pair)):
        if name not in known:
            raise UsageError(f"The table has no column {name!r}.", did_you_mean(name, list(map(str, known))))
    texts = cells_of(values_of(table[text], "texts"))
    seconds = cells_of(values_of(table[pair], "texts")) if pair is not None else [""] * len(texts)
    rows = [_checked(one, second) for one, second in zip(texts, seconds, strict=True)]
    if listed:
        for number, row in enumerate(rows, start=1):
            if isinstance(row, InputError):
                raise InputError(f"Row {number}: {row.message}", row.hint)
        return list(answer([row for row in rows if isinstance(row, Row)]))
    found = iter(answer_each([row for row in rows if isinstance(row, Row)], answer))
    columns = _columns([row if isinstance(row, InputError) else next(found) for row in rows])
    free = free_names([str(name) for name in known], list(columns))
    return _beside(table, {free[name]: cells for name, cells in columns.items()})


def _checked(text: str, second: str) -> Row | InputError:
    try:
        return check_row(text, second if second.strip() else None)
    except InputError as error:
        return error


def answer_each(rows: list[Row], answer: Callable[[list[Row]], Sequence[A]]) -> Sequence[A | InputError]:
    """Answers to all rows at once; where one row spoils it, each half alone, until that row is found."""
    try:
        return answer(rows) if rows else []
    except InputError as error:
        if len(rows) == 1:
            return [error]
        half = len(rows) // 2
        return [*answer_each(rows[:half], answer), *answer_each(rows[half:], answer)]


def _columns(found: Sequence[Predicted | InputError]) -> dict[str, list[Any]]:
    def each(value: Callable[[Predicted], Any]) -> list[Any]:
        return [None if isinstance(one, InputError) else value(one) for one in found]

    return {
        "label": each(lambda one: one.label_name),
        "probability": each(lambda one: one.probability),
        "task": each(lambda one: one.routed.task),
        "route_confidence": each(lambda one: one.routed.confidence),
        "error": [one.message if isinstance(one, InputError) else None for one in found],
    }


def _beside(table: Any, columns: dict[str, list[Any]]) -> Any:
    if hasattr(table, "assign"):  # pandas, which keeps its index
        return table.assign(**columns)
    if hasattr(table, "hstack"):  # polars
        return table.hstack(type(table)(columns))
    raise InputError(
        f"A value of the type {type(table).__name__} takes no columns beside its own.",
        "Give a data frame of pandas or polars, or a column of texts.",
    )
