"""Examples from JSON lines, each row checked and each error with its file and line."""

from __future__ import annotations

import json
from collections import Counter
from importlib.resources.abc import Traversable

from skillstack.errors import InputError
from skillstack.frames.rows import Row, check_row
from skillstack.tasks.sources.lines import read_lines
from skillstack.tasks.task import Example, Task


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
