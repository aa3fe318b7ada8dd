"""Samples and splits of rows that are the same on every machine, whatever the order of the rows."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from skillstack.data.task import Example
from skillstack.errors import UsageError
from skillstack.store.rows import Row


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


DEV_SHARE = 0.2
GUARD_SHARE = 0.2
MAX_GUARD_ROWS = 2_000
_SPAN = 2**64
_DEV_BELOW = int(_SPAN * DEV_SHARE)
_GUARD_BELOW = int(_SPAN * (DEV_SHARE + GUARD_SHARE))


@dataclass(frozen=True)
class Splits:
    """A task's rows, each on one side and in the order of their split hash.

    :ivar train: what frames learn from.
    :ivar dev: what every choice is made on.
    :ivar guard: read by the compression guard alone; at most 2,000 rows.
    """

    train: tuple[Example, ...]
    dev: tuple[Example, ...]
    guard: tuple[Example, ...]


def split_hash(row: Row) -> str:
    """SHA-256 (hex) over "split" and the row's texts, separated by NUL.

    The task's name is no part of it, so a text that two tasks share is on the same side in both.
    """
    texts = row.text if row.text_pair is None else f"{row.text}\0{row.text_pair}"
    return hashlib.sha256(f"split\0{texts}".encode()).hexdigest()


def split(examples: Iterable[Example], validation: Iterable[Example] = ()) -> Splits:
    """Divide the rows of a task; equal examples count once.

    A row's hash alone decides, so it stays on its side when others are added, with two exceptions. A class
    without a train row gets its row of the highest hash, and then one without a dev row gets its row of the
    lowest, if it has two. And of more than 2,000 guard rows those of the lowest hashes guard; the others
    are left aside: they never change to train.

    :param validation: rows of the source's own validation split; they join dev, except those that the
        other rows contain.
    """
    sides: dict[str, list[tuple[str, Example]]] = {"train": [], "dev": [], "guard": []}
    by_class: defaultdict[int, list[tuple[str, Example]]] = defaultdict(list)
    for key, example in _hashed(examples):
        by_class[example.label].append((key, example))
    for members in by_class.values():
        for side, chosen in _divide(members).items():
            sides[side] += chosen
    seen = {key for members in by_class.values() for key, _ in members}
    sides["dev"] += [(key, example) for key, example in _hashed(validation) if key not in seen]
    return Splits(
        train=_ordered(sides["train"]),
        dev=_ordered(sides["dev"]),
        guard=_ordered(sides["guard"])[:MAX_GUARD_ROWS],
    )


def _hashed(examples: Iterable[Example]) -> list[tuple[str, Example]]:
    return [(split_hash(example.row), example) for example in dict.fromkeys(examples)]


def _divide(members: list[tuple[str, Example]]) -> dict[str, list[tuple[str, Example]]]:
    """One class's rows by side; the hash grows from dev over guard to train."""
    sides: dict[str, list[tuple[str, Example]]] = {"dev": [], "guard": [], "train": []}
    for key, example in sorted(members, key=_by_split_hash):
        position = int(key[:16], 16)
        side = "dev" if position < _DEV_BELOW else "guard" if position < _GUARD_BELOW else "train"
        sides[side].append((key, example))
    if not sides["train"]:
        sides["train"].append((sides["guard"] or sides["dev"]).pop())
    if not sides["dev"] and len(members) > 1:
        donor = sides["guard"] or sides["train"]
        sides["dev"].append(donor.pop(0))
    return sides


def _by_split_hash(pair: tuple[str, Example]) -> tuple[str, int]:
    return pair[0], pair[1].label


def _ordered(pairs: list[tuple[str, Example]]) -> tuple[Example, ...]:
    return tuple(example for _, example in sorted(pairs, key=_by_split_hash))
