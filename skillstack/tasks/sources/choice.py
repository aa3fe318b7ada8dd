"""Which of many rows are used: decided on hashes alone, so that the rows need not be held."""

from __future__ import annotations

from array import array
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

#: A class with so many different rows has one held back, whatever their hashes.
TESTED_FROM = 5
#: Rows of a class that are never held back.
TRAINED_FROM = 2
_SPAN = 2**64

Numbers = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class Choice:
    """What was chosen.

    :ivar train: keys of the rows to train with.
    :ivar test: keys of the rows held back.
    :ivar train_counts: rows to train with, by class.
    """

    train: frozenset[int]
    test: frozenset[int]
    train_counts: tuple[int, ...]


class Ledger:
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

    def choose(self, classes: int, test_size: float, per_class: int | None, most_tests: int) -> Choice:
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
        return Choice(frozenset(train), frozenset(key for _, _, key in chosen), tuple(counts))
