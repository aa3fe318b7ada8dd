"""The rows of a data set of the hub, streamed: read in order, sampled by hash, never held whole.

`datasets` reads the pinned commit's Parquet files over the network, group by group, so a set of gigabytes
costs what is looked at; a set that is sorted by class is read by :mod:`.hub_groups`. Which rows are kept
depends on their texts alone, not on that library's version.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from skillstack.errors import InputError
from skillstack.frames.rows import check_row
from skillstack.tasks.sampling import sample
from skillstack.tasks.sources.cleaning import clean, likeness
from skillstack.tasks.sources.hub_groups import grouped_rows
from skillstack.tasks.sources.hub_sets import TEST_PER_CLASS, TRAIN_PER_CLASS, HubSet
from skillstack.tasks.task import Example, Task

_BATCH = 1_000
#: Rows that may wait until the sample is taken anew.
_PENDING = 60_000
#: Characters of a split that are read at most: three times the largest known one.
_MAX_CHARACTERS = 2_000_000_000


@dataclass(frozen=True)
class HubRows:
    """The rows of a task, sampled.

    :ivar left_out: sampled rows that were doubled, in two splits or of two labels.
    """

    train: tuple[Example, ...]
    validation: tuple[Example, ...]
    test: tuple[Example, ...]
    left_out: int


def read_rows(known: HubSet, task: Task) -> HubRows:
    """Stream and sample the splits of a set.

    :raises InputError: if the set is not what `hub.toml` says it is: its columns, labels or format.
    """
    test, train = (
        _split(known, task, split, per_class)
        for split, per_class in ((known.test, TEST_PER_CLASS), (known.train, TRAIN_PER_CLASS))
    )
    validation: tuple[Example, ...] = ()
    if known.validation:
        validation = _split(known, task, known.validation, TEST_PER_CLASS)
    seen: set[str] = set()
    kept = [distinct(rows, seen) for rows in (test, validation, train)]
    found = sum(map(len, (test, validation, train)))
    return HubRows(kept[2], kept[1], kept[0], found - sum(map(len, kept)))


def _split(known: HubSet, task: Task, split: str, per_class: int) -> tuple[Example, ...]:
    found = sampled(_Stream(known, task, split), per_class)
    if known.sorted and known.scan and len({example.label for example in found}) < len(task.labels):
        # A class so small that no group of rows that was read had it.
        found = sampled(_Stream(replace(known, scan=0), task, split), per_class)
    return found


def distinct(examples: Sequence[Example], seen: set[str]) -> tuple[Example, ...]:
    """Those whose text no other has, of another split or with another label; of equal ones the first.

    :param seen: likenesses of rows of other splits; those of these are added.
    """
    labels: dict[str, set[int]] = {}
    for example in examples:
        labels.setdefault(likeness(example.row), set()).add(example.label)
    kept = []
    for example in examples:
        key = likeness(example.row)
        if key not in seen and len(labels[key]) == 1:
            seen.add(key)
            kept.append(example)
    return tuple(kept)


def sampled(stream: _Stream, per_class: int) -> tuple[Example, ...]:
    """The sample of a stream, in bounded memory: equal to that of all its rows at once.

    :param per_class: rows of a class at most.
    """
    task = stream.task
    held: tuple[Example, ...] = ()
    while more := tuple(islice(stream, _PENDING)):
        # The lowest hashes of a union are among the lowest of its parts.
        held = sample((*held, *more), per_class, 0, task.name)
    return held


class _Stream:
    """The rows of one split, each as an `Example`; iterated once."""

    def __init__(self, known: HubSet, task: Task, split: str) -> None:
        self.known = known
        self.task = task
        self._split = split
        self._rows = self._examples()

    def __iter__(self) -> Iterator[Example]:
        return self._rows

    def _examples(self) -> Iterator[Example]:
        data = _open(self.known, self._split)
        labels = self._labels(data)
        characters = 0
        for row in self._looked_at(data):
            example = self._example(row, labels)
            if example is None:
                continue
            characters += len(example.row.joined)
            if characters > _MAX_CHARACTERS:
                raise self._unlike("holds far more text than it should")
            yield example

    def _looked_at(self, data: Any) -> Iterator[Mapping[str, Any]]:
        if self.known.sorted and self.known.scan:
            yield from grouped_rows(self.known, self._split)
            return
        files = max(1, int(data.num_shards))
        # Evenly from every file, and within a file from its beginning.
        share = -(-self.known.scan // files) if self.known.scan else None
        for number in range(files):
            yield from islice(_plain(data.shard(num_shards=files, index=number)), share)

    def _labels(self, data: Any) -> dict[object, int]:
        """The set's label values, and the task's label that each stands for."""
        features = data.features
        wanted = (*self.known.text, *self.known.pair, self.known.label)
        if features is None or not set(wanted) <= set(features):
            raise self._unlike(f"has no columns {', '.join(wanted)}")
        feature = features[self.known.label]
        if not self.known.names:
            if getattr(feature, "dtype", "") != "bool":
                raise self._unlike(f"has no true and false in its column {self.known.label}")
            return {False: 0, True: 1}
        names = tuple(getattr(feature, "names", None) or ())
        if names != self.known.names:
            raise self._unlike(
                f"names its labels {', '.join(names)[:120] or 'not at all'}, or in another order"
            )
        return {index: index for index in range(len(names))}

    def _example(self, row: Mapping[str, Any], labels: Mapping[object, int]) -> Example | None:
        value = row[self.known.label]
        if value not in labels:
            # -1 is how hidden labels are written.
            raise self._unlike(f"has a row of the split {self._split} with the label {str(value)[:40]!r}")
        texts = [
            clean(self.known.join.join(parts), self.known.clean)
            for columns in (self.known.text, self.known.pair)
            if (parts := [str(row[name]).strip() for name in columns if row[name]])
        ]
        if len(texts) != 1 + bool(self.known.pair):
            return None
        try:
            return Example(check_row(*texts), labels[value])
        except InputError:
            return None

    def _unlike(self, how: str) -> InputError:
        return InputError(
            f"The data set {self.known.repo} of the task {self.task.name!r} {how}.",
            "It is not the set that this version knows; give the rows with --data-dir.",
        )


def _open(known: HubSet, split: str) -> Any:
    """The split as an iterable data set, nothing of it read yet.

    :raises InputError: if its files are no Parquet: other formats may hold code, or have no label names.
    """
    from datasets import load_dataset

    data = load_dataset(known.repo, known.config, revision=known.revision, split=split, streaming=True)
    if data.info.builder_name != "parquet":
        raise InputError(
            f"The data set {known.repo} of the task {known.task!r} is not in Parquet files.",
            "It is not the set that this version knows; give the rows with --data-dir.",
        )
    return data


def _plain(data: Any) -> Iterator[dict[str, Any]]:
    for batch in data.iter(batch_size=_BATCH):
        names = list(batch)
        for values in zip(*batch.values(), strict=True):
            yield dict(zip(names, values, strict=True))
