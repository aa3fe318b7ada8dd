"""JSON lines, one object a line: as examples of a task, and as a table."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, BinaryIO

from skillstack.data.batches import BatchBuilder, TableBatch
from skillstack.data.lines import read_lines, text_lines
from skillstack.data.task import Example, Task
from skillstack.errors import InputError
from skillstack.store.rows import Row, check_row


def read_examples(file: Traversable, task: Task) -> tuple[Example, ...]:
    """The labelled rows of a file, in its order.

    :raises InputError: if the file is broken or empty, or a row is; it names the file and the line.
    """
    examples = []
    for number, line in read_lines(file):
        where = f"{file}, line {number}"
        entry = parse_object(line, where)
        examples.append(Example(_row(entry, task.pair, where), _label(entry, task, where)))
    if not examples:
        raise InputError(f"{file} holds no rows.", "Write one JSON object a line, with text and label.")
    return tuple(examples)


def read_texts(file: Traversable) -> tuple[Row, ...]:
    """The rows of a file of single texts, whatever their labels.

    :raises InputError: as :func:`read_examples`.
    """
    rows = []
    for number, line in read_lines(file):
        where = f"{file}, line {number}"
        rows.append(_row(parse_object(line, where), False, where))
    return tuple(rows)


def check_classes(file: Traversable, task: Task, examples: tuple[Example, ...]) -> None:
    """Refuse rows that nothing can be learned and chosen from.

    :raises InputError: if a class has fewer than two different examples.
    """
    counts = Counter(example.label for example in set(examples))
    for index, name in enumerate(task.labels):
        if counts[index] < 2:
            raise InputError(
                f"{file}: class {index}, {name!r}, has {counts[index]} different examples; 2 are needed.",
                "Add some, or remove the class from label_names.",
            )


def parse_object(text: str, where: str) -> dict[str, object]:
    """The JSON object that this text is.

    :raises InputError: if it is none.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        reason = error.msg if isinstance(error, json.JSONDecodeError) else "a value is out of bounds"
        raise InputError(f"{where}: no valid JSON: {reason}.", "Write one JSON object.") from None
    if not isinstance(value, dict):
        raise InputError(
            f"{where}: {type(value).__name__} instead of a JSON object.", "Write one JSON object."
        )
    return value


def _row(entry: dict[str, object], pair: bool, where: str) -> Row:
    text, second = entry.get("text"), entry.get("text_pair")
    if text is None:
        raise InputError(f"{where}: the field text is missing.", 'Write {"text": ..., "label": ...}.')
    if pair and second is None:
        raise InputError(
            f"{where}: the field text_pair is missing.", "Every row of a pair task has two texts."
        )
    if not pair and second is not None:
        raise InputError(
            f"{where}: the field text_pair is not expected.", 'Say "kind": "pair" in task.json, or remove it.'
        )
    try:
        return check_row(text, second)
    except InputError as error:
        raise InputError(f"{where}: {error.message}", error.hint) from None


def _label(entry: dict[str, object], task: Task, where: str) -> int:
    label = entry.get("label")
    # bool is an int in Python, but true is no class number.
    if not isinstance(label, int) or isinstance(label, bool):
        wrong = "missing" if "label" not in entry else f"{label!r}"[:80]
        raise InputError(f"{where}: the label is {wrong}, no whole number.", "Use an index into label_names.")
    if not 0 <= label < len(task.labels):
        raise InputError(
            f"{where}: the label is {str(label)[:40]}, but the task has {len(task.labels)} classes.",
            f"Use 0 to {len(task.labels) - 1}, an index into label_names.",
        )
    return label


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
        names.update(dict.fromkeys(entry or ()))
        if len(names) > MAX_COLUMNS:
            raise InputError(
                f"{path}, line {line}: more than {MAX_COLUMNS:,} different fields.",
                "Use the same fields in every row.",
            )
    return tuple(names)


def read_batches(
    stream: BinaryIO, path: Path, columns: tuple[str, ...], size: int, *, lenient: bool = False
) -> Iterator[TableBatch]:
    """All rows; a field that a row lacks is empty.

    :param lenient: whether a line that is no JSON object, or an empty one, comes along with its error.
    :raises InputError: if a line is no JSON object.
    """
    gathered = BatchBuilder(columns, size, keep_empty=lenient)
    for line, entry, error in _objects(stream, path):
        if error is not None and not lenient:
            raise error
        cells = () if entry is None else tuple(cell_text(entry.get(name)) for name in columns)
        if gathered.add(cells, line, error):
            yield gathered.batch()
    yield from gathered.rest()


def cell_text(value: object) -> str:
    """A JSON value as a cell: strings and numbers as they stand there, null empty, the rest as JSON."""
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False, default=str)


def _objects(stream: BinaryIO, path: Path) -> Iterator[tuple[int, dict[str, Any] | None, InputError | None]]:
    """Number and object of each line, None for a blank one; and why it is none.

    :raises InputError: if the file is one array.
    """
    for number, text in text_lines(stream, path):
        if not text.strip():
            yield number, None, None
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
