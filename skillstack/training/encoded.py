"""Rows as the base reads them: tokenised, with cached lower states."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from skillstack.data.task import Example
from skillstack.models.encoding import encode
from skillstack.models.features import HiddenCache, features
from skillstack.models.slot import Slot
from skillstack.models.split import SplitModel
from skillstack.store.records import Rendering
from skillstack.training.data import labels_of, rows_of
from skillstack.training.execution import ALONE, Processes

Floats = NDArray[np.float32]
T = TypeVar("T")


class Once(Protocol):
    """Makes a function that computes its value when it is first called, and remembers it."""

    def __call__(self, make: Callable[[], T], /) -> Callable[[], T]:
        """The remembering function."""


class EncodedDataset:
    """Rows of one split, tokenised, with cached lower states, and their labels.

    :ivar labels: the right label of each row.
    :ivar heads: of each row the number of its head; all rows have head 0 where it is empty.
    :ivar own: how many rows, from the first, the epochs go over; the others come by a hook alone.
    """

    def __init__(
        self,
        read: Callable[[], HiddenCache],
        labels: Sequence[int],
        heads: Sequence[int] = (),
        own: int | None = None,
        *,
        once: Once = functools.cache,
    ) -> None:
        """Remember how the rows are read; they are read when they are first needed.

        :param read: gives their lower states.
        :param once: remembers what was computed.
        """
        self.labels, self.heads, self.own = labels, heads, len(labels) if own is None else own
        self._cache, self._once = once(read), once
        self._bare: Callable[[], Floats] | None = None

    @classmethod
    def of(
        cls,
        split: SplitModel,
        examples: Sequence[Example],
        rendering: Rendering,
        *,
        once: Once = functools.cache,
    ) -> EncodedDataset:
        """Examples shown to a base in one way.

        :param split: the base, cut where lower states are kept.
        """

        def read() -> HiddenCache:
            cache = HiddenCache(split, encode(split.base, rows_of(examples), rendering))
            cache.fill()
            return cache

        return cls(read, labels_of(examples), once=once)

    @classmethod
    def joined(
        cls, parts: Sequence[tuple[EncodedDataset, Sequence[int], int]], own: int | None = None
    ) -> EncodedDataset:
        """Rows of several datasets of one base in one, so that a batch can hold rows of different tasks.

        :param parts: datasets, each with the rows that are wanted of it and the number of their head.
        :param own: how many rows the epochs go over; all by default.
        """
        cache = HiddenCache.joined([(part.cache, rows) for part, rows, _ in parts])
        return cls(
            lambda: cache,
            [part.labels[row] for part, rows, _ in parts for row in rows],
            [head for _, rows, head in parts for _ in rows],
            own,
        )

    def of_rows(self, rows: Sequence[int]) -> EncodedDataset:
        """Some of the rows, with the lower states that are kept of all."""
        return EncodedDataset(
            lambda: HiddenCache.joined([(self.cache, rows)]), [self.labels[row] for row in rows]
        )

    def under(self, head: int) -> EncodedDataset:
        """The same rows, answered by the head of this number."""
        cache = self.cache
        return EncodedDataset(lambda: cache, self.labels, [head] * len(self.labels))

    @property
    def cache(self) -> HiddenCache:
        """Their lower states."""
        return self._cache()

    @property
    def lengths(self) -> Sequence[int]:
        """Tokens of each row that the epochs go over."""
        return self.cache.encoded.lengths[: self.own]

    def head_numbers(self) -> list[int]:
        """The numbers of all heads, each once, sorted."""
        return sorted(set(self.heads)) or [0]

    def features(self, rows: Sequence[int] | None = None, processes: Processes = ALONE) -> Floats:
        """Features ``[rows, hidden_size]`` with the adapter that is in the model now.

        :param rows: which of the rows; all of them by default.
        :param processes: among which the batches are divided.
        """
        return processes.join(features(self.cache, rows=rows, place=processes.place, places=processes.count))

    def bare(self, slot: Slot) -> Floats:
        """Features ``[rows, hidden_size]`` of the base alone, remembered; reading clears the slot."""

        def read() -> Floats:
            slot.clear()
            return self.features()

        self._cache()  # first, so that what it takes is not counted as a part of the features
        if self._bare is None:
            self._bare = self._once(read)
        return self._bare()
