"""Samples that are the same on every machine, whatever the order of the rows."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable

from skillstack.errors import UsageError
from skillstack.frames.rows import Row
from skillstack.tasks.task import Example


def sample_hash(row: Row, seed: int, task_name: str) -> str:
    """SHA-256 (hex) over seed, task name and the row's texts, separated by NUL."""
    texts = row.text if row.text_pair is None else f"{row.text}\0{row.text_pair}"
    return hashlib.sha256(f"{seed}\0{task_name}\0{texts}".encode()).hexdigest()


def sample(examples: Iterable[Example], per_class: int, seed: int, task_name: str) -> tuple[Example, ...]:
    """The rows of the lowest hashes of each class, in the order of their hashes; equal ones count once.

    :param per_class: rows per class; a class that has fewer gives them all.
    :raises UsageError: if ``per_class`` is below 1.
    """
    _check_count("samples per class", per_class)
    ranked = _ranked(examples, seed, task_name)
    return tuple(example for rank, _, example in sorted(ranked, key=_by_hash) if rank < per_class)


def router_rows(examples: Iterable[Example], n: int, seed: int, task_name: str) -> tuple[Row, ...]:
    """At most ``n`` different rows, as many of each class as can be, in the order of their hashes.

    Each class gives its row of the lowest hash, then each its second, and so on; in the last round the
    lowest hashes are taken. What a small class lacks, the others give.

    :raises UsageError: if ``n`` is below 1.
    """
    _check_count("router samples", n)
    chosen: dict[Row, str] = {}
    for _, key, example in sorted(_ranked(examples, seed, task_name), key=lambda item: (item[0], item[1])):
        if len(chosen) == n:
            break
        chosen.setdefault(example.row, key)
    return tuple(sorted(chosen, key=chosen.__getitem__))


def _ranked(examples: Iterable[Example], seed: int, task_name: str) -> list[tuple[int, str, Example]]:
    """Each different example with its rank within its class and its hash."""
    by_class: defaultdict[int, list[tuple[str, Example]]] = defaultdict(list)
    for example in dict.fromkeys(examples):
        by_class[example.label].append((sample_hash(example.row, seed, task_name), example))
    return [
        (rank, key, example)
        for label in sorted(by_class)
        for rank, (key, example) in enumerate(sorted(by_class[label], key=lambda pair: pair[0]))
    ]


def _by_hash(item: tuple[int, str, Example]) -> tuple[str, int]:
    return item[1], item[2].label


def _check_count(what: str, count: int) -> None:
    if count < 1:
        raise UsageError(f"The number of {what} is {count}.", "Give at least 1.")
