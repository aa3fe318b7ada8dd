"""The rows of a data set of the hub, streamed: read in order, sampled by hash, never held whole.

`datasets` reads the pinned commit's Parquet files over the network, group by group, so a set of gigabytes
costs what is looked at; `hub.toml` names
the sets. Which rows are kept
depends on their texts alone, not on that library's version.

A set that is sorted by class is read in whole row groups from all over its files. The beginning of such a
file has one class. A Parquet file's footer tells where its groups of rows lie, and each is read by a
range request of its own, so a part of the groups, at even distances, costs that part of the file and has
all classes. Which groups these are depends on the pinned files alone.
"""

from __future__ import annotations

import html
import re
import tomllib
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from importlib import resources
from itertools import islice
from typing import Any

from skillstack.data.splits import sample
from skillstack.data.task import Example, Task
from skillstack.errors import InputError
from skillstack.store import canonical
from skillstack.store.canonical import sha256
from skillstack.store.rows import Row, check_row

#: Raised when other rows, or other texts, come out of an equal entry.
VERSION = 1

#: Rows of a class that are kept at most.
TRAIN_PER_CLASS = 4_000
TEST_PER_CLASS = 1_000


@dataclass(frozen=True, kw_only=True)
class HubSet:
    """Where a task's rows come from on the hub, and what is done to them.

    :ivar task: name of the task.
    :ivar repo: name of the data set.
    :ivar revision: the pinned commit.
    :ivar text: columns of the text, joined with ``join``.
    :ivar pair: columns of the second text; empty for single texts.
    :ivar label: column of the label.
    :ivar names: class names of the set, in the order of their numbers; empty where the label is a boolean.
    :ivar clean: steps of `skillstack.data.hub_rows`.
    :ivar scan: rows of a split that are looked at; 0 for all.
    :ivar sorted: whether its rows are sorted by class, so that a file's beginning does not stand for it.
    :ivar download: megabytes, about.
    """

    task: str
    repo: str
    revision: str
    config: str
    text: tuple[str, ...]
    label: str
    names: tuple[str, ...]
    clean: tuple[str, ...]
    scan: int
    download: int
    licence: str
    train: str = "train"
    test: str = "test"
    validation: str = ""
    pair: tuple[str, ...] = ()
    join: str = " "
    sorted: bool = False

    @property
    def origin(self) -> str:
        """Data set, commit and configuration, for a skill's record."""
        return f"https://huggingface.co/datasets/{self.repo} {self.revision} {self.config}"

    def digest(self) -> str:
        """SHA-256 over all that decides which rows come out."""
        fields = asdict(self)
        for about in ("download", "licence"):
            del fields[about]
        return sha256(canonical.dumps([VERSION, TRAIN_PER_CLASS, TEST_PER_CLASS, fields]))


@lru_cache(maxsize=1)
def hub_sets() -> dict[str, HubSet]:
    """Every known set by its task's name."""
    text = resources.files("skillstack.data").joinpath("hub.toml").read_text(encoding="utf-8")
    return {name: _hub_set(name, entry) for name, entry in tomllib.loads(text).items()}


def _hub_set(name: str, entry: dict[str, Any]) -> HubSet:
    fields: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()
    }
    return HubSet(task=name, **fields)


_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_BLANKS = re.compile(r"[^\S\n]+")
_LINES = re.compile(r" ?\n[ \n]*")
_BARE_ENTITY = re.compile(r"(?<!&)#(\d{2,4});")
_MAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")
_PHONE = re.compile(r"(?<![\w.])(?:\+?1[ .-]?)?(?:\(\d{3}\) ?|\d{3}[ .-])\d{3}[ .-]\d{4}(?!\w)")
_OTHER = re.compile(r"[\W_]+")


def clean(text: str, steps: Sequence[str]) -> str:
    """The text with markup and escapes restored to plain characters; runs of blanks become one.

    :param steps: of ``breaks``, ``escapes``, ``entities`` and ``mask``, whatever their order.
    """
    if "escapes" in steps:
        # CSV of the original sets: a line break is a backslash and an n, or a backslash alone.
        text = text.replace("\\n", "\n").replace('\\"', '"').replace('""', '"').replace("\\", " ")
    if "entities" in steps:
        text = html.unescape(_BARE_ENTITY.sub(r"&#\1;", text))
    if "breaks" in steps:
        text = _BREAK.sub("\n", text)
    if "mask" in steps:
        text = _PHONE.sub("[phone]", _MAIL.sub("[email]", text))
    text = text.replace("\r", "\n").replace("\0", " ")
    return _LINES.sub("\n", _BLANKS.sub(" ", text)).strip()


def likeness(row: Row) -> str:
    """What two equal texts share: letters and digits, lower-cased, without accents and punctuation."""
    plain = unicodedata.normalize("NFKD", row.joined).casefold()
    without = "".join(character for character in plain if not unicodedata.combining(character))
    return _OTHER.sub("", without) or row.joined


#: Groups that are read at least, so that large ones do not leave a class out.
MIN_GROUPS = 64

#: Bytes of a group, unpacked: a thousand times what the known sets have.
_MAX_GROUP_BYTES = 1 << 28


def grouped_rows(known: HubSet, split: str) -> Iterator[dict[str, Any]]:
    """About ``known.scan`` rows of a split, from groups at even distances, in the order of the files.

    Only the columns of texts and label are read.

    :raises InputError: if a file has no such column, or a group is implausibly large.
    """
    import pyarrow.parquet as pq

    wanted = [*known.text, *known.pair, known.label]
    with ExitStack() as opened:
        # One range request a group: what is read ahead would be of a group that nobody wants.
        streams = [opened.enter_context(_opened(file)) for file in _files(known, split)]
        files = [opened.enter_context(pq.ParquetFile(stream, pre_buffer=True)) for stream in streams]
        groups = [(file, number) for file in files for number in range(file.num_row_groups)]
        rows = [file.metadata.row_group(number).num_rows for file, number in groups]
        for place in chosen_groups(rows, known.scan):
            file, number = groups[place]
            if not set(wanted) <= set(file.schema_arrow.names):
                raise _unlike(known, f"has no columns {', '.join(wanted)}")
            if file.metadata.row_group(number).total_byte_size > _MAX_GROUP_BYTES:
                raise _unlike(known, "holds far more text than it should")
            yield from file.read_row_group(number, columns=wanted, use_threads=False).to_pylist()


def chosen_groups(rows: Sequence[int], scan: int) -> tuple[int, ...]:
    """Places of the groups to read, at even distances.

    :param rows: rows of each group.
    :param scan: rows that should be read in all; there are more where it takes `MIN_GROUPS` groups.
    """
    groups = len(rows)
    wanted = -(-groups * scan // max(sum(rows), 1))
    wanted = min(groups, max(wanted, MIN_GROUPS))
    return tuple((2 * place + 1) * groups // (2 * wanted) for place in range(wanted))


def _files(known: HubSet, split: str) -> list[str]:
    """Addresses of a split's files at the pinned commit, or their paths where the set is a folder."""
    from datasets import load_dataset_builder

    builder = load_dataset_builder(known.repo, known.config, revision=known.revision)
    return [str(file) for file in builder.config.data_files[split]]


def _opened(file: str) -> Any:
    from fsspec.core import url_to_fs

    system, path = url_to_fs(file)
    return system.open(path, "rb", cache_type="none")


def _unlike(known: HubSet, how: str) -> InputError:
    return InputError(
        f"The data set {known.repo} of the task {known.task!r} {how}.",
        "It is not the set that this version knows; give the rows with --data-dir.",
    )


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
