"""The usable rows of a table as examples, and which of them are used: by hashes, so that none is held."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from array import array
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from skillstack.data.columns import Columns, find_columns
from skillstack.data.headers import same_label
from skillstack.data.labels import known_as
from skillstack.data.splits import sample_hash
from skillstack.data.tables import Table, open_table
from skillstack.data.task import Example
from skillstack.errors import InputError, UsageError
from skillstack.store.rows import Row, check_row

#: A class with so many different rows has one held back, whatever their hashes.
TESTED_FROM = 5

#: Rows of a class that are never held back.
TRAINED_FROM = 2
_SPAN = 2**64
Numbers = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class RowChoice:
    """What was chosen.

    :ivar train: keys of the rows to train with.
    :ivar test: keys of the rows held back.
    :ivar train_counts: rows to train with, by class.
    """

    train: frozenset[int]
    test: frozenset[int]
    train_counts: tuple[int, ...]


class RowLedger:
    """Keys, places and classes of rows as they are read: 18 bytes for each."""

    def __init__(self) -> None:
        self._keys, self._places, self._labels = array("Q"), array("Q"), array("H")

    def add(self, key: int, place: int, label: int) -> None:
        """Note a row.

        :param key: 64 bits that tell its texts from others, and rank it among the rows of its class.
        :param place: another hash of its texts, which decides whether it is held back.
        """
        self._keys.append(key)
        self._places.append(place)
        self._labels.append(label)

    def settle(self) -> Settled:
        """Each different row once, without texts that have different classes."""
        keys = np.frombuffer(self._keys, np.uint64)
        places = np.frombuffer(self._places, np.uint64)
        labels = np.frombuffer(self._labels, np.uint16)
        order = np.lexsort((labels, keys))
        keys, places, labels = keys[order], places[order], labels[order]
        starts = np.flatnonzero(np.r_[True, keys[1:] != keys[:-1]][: len(keys)])
        counts = np.diff(np.r_[starts, len(keys)])
        # Within a key, classes ascend: they differ if the first is not the last.
        conflict = labels[starts] != labels[starts + counts - 1]
        kept = starts[~conflict]
        return Settled(
            keys=keys[kept],
            places=places[kept],
            labels=labels[kept],
            duplicates=int((counts[~conflict] - 1).sum()),
            conflicting_texts=int(conflict.sum()),
            conflicting=int(counts[conflict].sum()),
        )


@dataclass(frozen=True)
class Settled:
    """Different rows that may be used, by key.

    :ivar keys: their keys, ascending; ``places`` and ``labels`` belong to them.
    :ivar duplicates: rows that repeat another one, class included.
    :ivar conflicting_texts: texts noted with different classes.
    :ivar conflicting: rows that hold them.
    """

    keys: Numbers
    places: Numbers
    labels: npt.NDArray[np.uint16]
    duplicates: int
    conflicting_texts: int
    conflicting: int

    def choose(self, classes: int, test_size: float, per_class: int | None, most_tests: int) -> RowChoice:
        """The rows to train with and those to hold back.

        :param test_size: share of the places below which a row is held back.
        :param per_class: rows of a class to train with at most, those of the lowest keys.
        :param most_tests: rows held back at most; each class keeps its first, then the lowest places.
        """
        below = np.uint64(min(int(test_size * _SPAN), _SPAN - 1))
        train: list[int] = []
        tests: list[tuple[bool, int, int]] = []
        counts = []
        for label in range(classes):
            members = np.flatnonzero(self.labels == label)
            members = members[np.argsort(self.places[members], kind="stable")]
            held = int(np.searchsorted(self.places[members], below))
            if test_size and len(members) >= TESTED_FROM:
                held = max(held, 1)
            held = max(min(held, len(members) - TRAINED_FROM), 0)
            ranked = np.sort(self.keys[members[held:]])[:per_class].tolist()
            train += ranked
            counts.append(len(ranked))
            back = zip(self.places[members[:held]].tolist(), self.keys[members[:held]].tolist(), strict=True)
            tests += [(rank > 0, place, key) for rank, (place, key) in enumerate(back)]
        chosen = sorted(tests)[:most_tests]
        return RowChoice(frozenset(train), frozenset(key for _, _, key in chosen), tuple(counts))


class TableRows:
    """The usable rows of a table, read anew by each method, and how many rows there are.

    :ivar rows: rows read, empty ones included.
    :ivar empty: rows without a text.
    :ivar unlabelled: rows with a text and no label.
    :ivar dropped: rows with a text and a label that is dropped.
    """

    def __init__(
        self, table: Table, columns: Columns, seed: int, name: str, dropped: Collection[str] = ()
    ) -> None:
        """Read rows of a table.

        :param dropped: labels whose rows are left out; none of them is a label of the columns.
        """
        self._table, self._columns, self._seed, self._name = table, columns, seed, name
        self._index = {label: place for place, label in enumerate(columns.labels)}
        self._dropped = dropped
        self.rows = self.empty = self.unlabelled = self.dropped = 0

    def noted(self) -> Settled:
        """Each of them once, by its hashes.

        :raises InputError: if a text cannot be used; it names the line.
        """
        ledger = RowLedger()
        for example in self.examples():
            row = as_read(example.row)
            ledger.add(self._key(row), _place(row), example.label)
        return ledger.settle()

    def chosen(self, choice: RowChoice) -> tuple[list[Example], list[Example]]:
        """The rows to train with and those held back, each once, in the order of their hashes.

        Of rows that are read alike, the one whose texts sort first stands for all, whatever their order.
        """
        train: dict[int, Example] = {}
        test: dict[int, Example] = {}
        for example in self.examples():
            key = self._key(as_read(example.row))
            side = train if key in choice.train else test if key in choice.test else None
            if side is not None:
                side[key] = min(side.get(key, example), example, key=_texts)
        return [train[key] for key in sorted(train)], [test[key] for key in sorted(test)]

    def examples(self) -> Iterator[Example]:
        """Each usable row, as it comes.

        :raises InputError: if a text cannot be used; it names the line.
        """
        self.rows = self.empty = self.unlabelled = self.dropped = 0
        text, label = (self._table.columns.index(c) for c in (self._columns.text, self._columns.label))
        pair = self._table.columns.index(self._columns.pair) if self._columns.pair is not None else None
        for batch in self._table.batches():
            self.rows += len(batch.rows) + batch.empty
            self.empty += batch.empty
            for cells, line in zip(batch.rows, batch.lines, strict=True):
                second = cells[pair] if pair is not None else None
                if not cells[text].strip() or (second is not None and not second.strip()):
                    self.empty += 1
                elif not cells[label].strip():
                    self.unlabelled += 1
                elif (value := same_label(cells[label])) in self._dropped:
                    self.dropped += 1
                else:
                    yield self._example(cells[text], second, value, line)

    def _example(self, text: str, second: str | None, label: str, line: int) -> Example:
        where = f"{self._table.path}, line {line}"
        try:
            row = check_row(text, second)
        except InputError as error:
            raise InputError(f"{where}: {error.message}", error.hint) from None
        if label not in self._index:
            raise InputError(f"{self._table.path} changed while it was read.", "Run the command again.")
        return Example(row, self._index[label])

    def _key(self, row: Row) -> int:
        return _number(sample_hash(row, self._seed, self._name))


def as_read(row: Row) -> Row:
    """A row as most bases read it, for the comparison of rows: case folded, NFKC, blanks single.

    The table does not know which base will read it, so this asks no tokenizer. Texts that differ only here
    are one text to an uncased base, and would tell it the answers if one were trained and one held back.
    """
    pair = row.text_pair
    return Row(_folded(row.text), None if pair is None else _folded(pair))


def row_key(row: Row) -> int:
    """64 bits of a hash of a row as most bases read it, by which a frame knows that it learned from it."""
    texts = as_read(row)
    joined = texts.text if texts.text_pair is None else f"{texts.text}\0{texts.text_pair}"
    return _number(hashlib.sha256(f"learned\0{joined}".encode()).hexdigest())


@dataclass(frozen=True)
class LearnedRows:
    """Rows of a table that are not asked, as the skill learned from them.

    :ivar rows: how many.
    :ivar of: usable rows of the table.
    """

    rows: int
    of: int

    def words(self, asked: int) -> str:
        """What is left out and what is asked, as a sentence.

        :param asked: rows that are.
        """
        return f"{self.rows:,} of {self.of:,} rows were learned from; {asked:,} are asked."


def unlearned(
    examples: Sequence[Example], learned: Collection[int]
) -> tuple[tuple[Example, ...], LearnedRows | None]:
    """The rows that a skill has not learned from, and how many it has; None where it learned from none.

    :param learned: keys of the rows that it learned from.
    """
    unseen = tuple(one for one in examples if row_key(one.row) not in learned) if learned else tuple(examples)
    seen = len(examples) - len(unseen)
    return unseen, LearnedRows(seen, len(examples)) if seen else None


def _folded(text: str) -> str:
    folded = text if text.isascii() else unicodedata.normalize("NFKC", text)
    return " ".join(folded.casefold().split()) or text


def _texts(example: Example) -> tuple[str, str]:
    return example.row.text, example.row.text_pair or ""


def _number(digest: str) -> int:
    """The first 64 bits of a hash: enough to tell rows apart, and little enough to hold millions."""
    return int(digest[:16], 16)


def _place(row: Row) -> int:
    """Where a row stands between 0 and 2^64; below the share of the test part, it is held back.

    Another hash than that of the splits (:func:`skillstack.data.splits.split_hash`), which divide the rest.
    """
    texts = row.text if row.text_pair is None else f"{row.text}\0{row.text_pair}"
    return _number(hashlib.sha256(f"test\0{texts}".encode()).hexdigest())


_ROLES = ("label", "pair", "text")


def columns_text(columns: Columns) -> str:
    """Names of a table's columns as the record of a source holds them, so that others are read alike."""
    found = {"label": columns.label, "text": columns.text}
    return json.dumps(found | ({"pair": columns.pair} if columns.pair else {}), sort_keys=True)


def columns_in(source: Mapping[str, str]) -> Mapping[str, str]:
    """The columns that a skill was learned from, by what stands in them; none where that is not known."""
    if source.get("kind") != "table":
        return {}
    try:
        found = json.loads(source.get("origin", ""))
    except ValueError:
        return {}
    if not isinstance(found, dict):
        return {}
    return {key: name for key, name in found.items() if key in _ROLES and isinstance(name, str)}


def labelled_rows(
    source: Path | Table, labels: Sequence[str], *, pair: bool, columns: Mapping[str, str] | None = None
) -> tuple[Example, ...]:
    """The usable rows of a table; an example's label is an index into ``labels``.

    Columns are found as in learning, and a table of a single label will do; where a pair is asked for, the
    second texts stand in ``text_pair``.

    :param source: the table's file, or the table.
    :param columns: their names where the skill was learned; those that the table has are taken.
    :raises UsageError: if it is not clear which column is which.
    :raises InputError: if the table is broken, empty, or has a label that is none of these.
    """
    table = source if isinstance(source, Table) else open_table(source)
    path = table.path
    named = {role: name for role, name in (columns or {}).items() if name in table.columns}
    second = named.get("pair", "text_pair") if pair else None
    text = named.get("text") or ("text" if "text" in table.columns else None)
    try:
        found_columns = find_columns(table, text=text, pair=second, label=named.get("label"), known=labels)
    except (InputError, UsageError) as error:
        if "-column" in error.hint:  # options of learning, which nobody can give here
            error.hint = "Call the columns text and label, and one of second texts text_pair."
        raise
    known = {label: place for place, label in enumerate(labels)}
    matched = {label: known_as(label, known) for label in found_columns.labels}
    strange = [label for label, match in matched.items() if match is None]
    if strange:
        raise InputError(
            f"{path}: the label {strange[0]!r} is none that the skill knows.",
            f"It knows {', '.join(map(repr, labels[:6]))}{', ...' if len(labels) > 6 else ''}.",
        )
    rows = TableRows(table, found_columns, 0, path.stem)
    indices = [known[match] for match in matched.values() if match is not None]
    found = tuple(Example(one.row, indices[one.label]) for one in rows.examples())
    if not found:
        raise InputError(f"{path}: there is no row with a text and a label.", "Add some.")
    return found
