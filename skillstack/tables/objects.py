"""JSON lines, read as a stream: one object a line, its fields the columns."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from skillstack.errors import InputError
from skillstack.tables.batch import Batch, Gathered
from skillstack.tables.streams import text_lines

MAX_COLUMNS = 10_000
_HINT = "Write one JSON object a line."


def read_header(stream: BinaryIO, path: Path, *, lenient: bool = False) -> tuple[str, ...]:
    """The fields of all rows, in the order in which they first appear.

    :param lenient: whether lines that are no JSON object are passed over.
    :raises InputError: if a line is no JSON object, or there are more than 10,000 fields.
    """
    names: dict[str, None] = {}
    for line, entry, error in _objects(stream, path):
        if error is not None and not lenient:
            raise error
        names.update(dict.fromkeys(entry))
        if len(names) > MAX_COLUMNS:
            raise InputError(
                f"{path}, line {line}: more than {MAX_COLUMNS:,} different fields.",
                "Use the same fields in every row.",
            )
    return tuple(names)


def read_batches(
    stream: BinaryIO, path: Path, columns: tuple[str, ...], size: int, *, lenient: bool = False
) -> Iterator[Batch]:
    """All rows; a field that a row lacks is empty.

    :param lenient: whether a line that is no JSON object comes along as an empty row with its error.
    :raises InputError: if a line is no JSON object.
    """
    gathered = Gathered(columns, size)
    for line, entry, error in _objects(stream, path):
        if error is not None and not lenient:
            raise error
        if gathered.add(tuple(cell_text(entry.get(name)) for name in columns), line, error):
            yield gathered.batch()
    yield from gathered.rest()


def cell_text(value: object) -> str:
    """A JSON value as a cell: strings and numbers as they stand there, null empty, the rest as JSON."""
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False, default=str)


def _objects(stream: BinaryIO, path: Path) -> Iterator[tuple[int, dict[str, Any], InputError | None]]:
    """Number and object of each line, and why it is none.

    :raises InputError: if the file is one array.
    """
    for number, text in text_lines(stream, path):
        if not text.strip():
            yield number, {}, None
            continue
        where = f"{path}, line {number}"
        try:
            entry = json.loads(text, parse_int=str, parse_float=str, parse_constant=_constant)
        except (ValueError, RecursionError) as error:
            if number == 1 and text.lstrip().startswith("["):
                raise _array(path) from None
            reason = error.msg if isinstance(error, json.JSONDecodeError) else "a value is out of bounds"
            yield number, {}, InputError(f"{where}: no JSON object: {reason}.", _HINT)
            continue
        if isinstance(entry, list) and number == 1:
            raise _array(path)
        if not isinstance(entry, dict):
            yield number, {}, InputError(f"{where}: {type(entry).__name__} instead of a JSON object.", _HINT)
            continue
        yield number, entry, None


def _constant(name: str) -> str | None:
    """What other programs write for a missing number is no value."""
    return None if name == "NaN" else name


def _array(path: Path) -> InputError:
    return InputError(
        f"{path} holds one JSON array, which cannot be read as a stream.",
        "Write one JSON object a line; jq -c '.[]' does that.",
    )
