"""Features of rows by frames over a base: rows are grouped by frame, and each frame is swapped in once.

Frames' tensors are kept in a small, bounded store in memory, the least recently used ones dropped first.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from skillstack.errors import MismatchError
from skillstack.models.encoding import encode
from skillstack.models.features import HiddenCache, features
from skillstack.models.lora import LoraSpec
from skillstack.models.slot import Slot
from skillstack.models.split import SplitModel
from skillstack.store.records import Rendering
from skillstack.store.rows import Row

Tensors = Mapping[str, NDArray[np.generic]]


class FrameCache:
    """Tensors by digest, so that a frame that was replaced under its name is never taken for the new one.

    :ivar max_bytes: bound on what is kept.
    """

    def __init__(self, max_bytes: int = 128 << 20) -> None:
        self.max_bytes = max_bytes
        self._entries: OrderedDict[str, tuple[Tensors, int]] = OrderedDict()
        self._bytes = 0

    @property
    def bytes(self) -> int:
        """Memory that the kept tensors take."""
        return self._bytes

    def __len__(self) -> int:
        """Number of frames kept."""
        return len(self._entries)

    def get(self, digest: str, load: Callable[[], Tensors]) -> Tensors:
        """The tensors of this digest, loaded if they are not here.

        What alone is larger than the bound is handed through and not kept.
        """
        if digest in self._entries:
            self._entries.move_to_end(digest)
            return self._entries[digest][0]
        tensors = load()
        size = sum(tensor.nbytes for tensor in tensors.values())
        if size <= self.max_bytes:
            self._entries[digest] = tensors, size
            self._bytes += size
            while self._bytes > self.max_bytes:
                _, (_, dropped) = self._entries.popitem(last=False)
                self._bytes -= dropped
        return tensors

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()
        self._bytes = 0


Floats = NDArray[np.float32]


class Reader(Protocol):
    """What reads rows: an adapter, or none, and a rendering."""

    @property
    def key(self) -> str:
        """Digests of the adapter's config and tensors, or empty without an adapter."""

    @property
    def load(self) -> Callable[[], Tensors]:
        """Reads the adapter's tensors."""

    @property
    def spec(self) -> LoraSpec | None:
        """The adapter's shape, or None."""

    @property
    def rendering(self) -> Rendering:
        """How rows become the model's input."""


@dataclass(frozen=True, eq=False)
class RowFeatures:
    """What a row's own reader makes of it.

    :ivar row: its number.
    :ivar features: ``[hidden_size]``.
    :ivar truncated: whether the row was too long and was cut.
    """

    row: int
    features: Floats
    truncated: bool


class Answering:
    """A base with its slot and a bounded cache of frames.

    :ivar slot: the slot.
    :ivar cache: frames' tensors by digest.
    """

    def __init__(self, slot: Slot, cache: FrameCache | None = None) -> None:
        self.slot = slot
        self.cache = cache if cache is not None else FrameCache()

    def swap(self, reader: Reader) -> None:
        """Put an adapter into the slot, or leave the base alone where there is none.

        :raises MismatchError: if the adapter does not fit the base.
        """
        if reader.spec is None:
            self.slot.clear()
        else:
            self.slot.copy_in(self.cache.get(reader.key, reader.load), reader.spec)

    def read(self, rows: Sequence[Row], readers: Sequence[Reader]) -> Iterator[RowFeatures]:
        """The features of every row by its own reader, adapter by adapter, in no order of the rows.

        Nothing else may use the slot until the last of them was taken.

        :param readers: one per row.
        :raises MismatchError: if an adapter does not fit the base.
        """
        # What lies below the adapted layers is computed on the bare base: the last adapter has to be gone.
        self.slot.clear()
        asked = _by_rendering(rows, readers)
        caches = {rendering: self._cache(some) for rendering, some in asked.items()}
        adapters = {reader.key: reader for reader in readers}
        for key, adapter in sorted(adapters.items()):
            self.swap(adapter)
            for rendering, some in asked.items():
                numbers = some.adapters.get(key, [])
                if not numbers:
                    continue
                wanted = sorted({some.places[rows[number]] for number in numbers})
                where = {place: i for i, place in enumerate(wanted)}
                seen = features(caches[rendering], rows=wanted)
                for number in numbers:
                    place = some.places[rows[number]]
                    yield RowFeatures(number, seen[where[place]], caches[rendering].encoded.cut[place])

    def _cache(self, asked: _Asked) -> HiddenCache:
        """The rows of one rendering; what lies below all their adapters is computed once."""
        encoded = encode(self.slot.base, list(asked.places), asked.rendering)
        if len(asked.adapters) > 1:
            try:
                cache = HiddenCache(SplitModel(self.slot.base, asked.first_layer), encoded)
            except MismatchError:
                pass  # a model that cannot be cut answers all the same, only not as fast
            else:
                cache.fill()
                return cache
        return HiddenCache(SplitModel(self.slot.base, 0), encoded)


@dataclass
class _Asked:
    """Rows of one rendering; a row that several skills are asked stands there once.

    :ivar places: of each row, its number among them.
    :ivar adapters: by adapter, which of all rows ask it.
    :ivar first_layer: the lowest layer that any of the adapters changes.
    """

    rendering: Rendering
    places: dict[Row, int] = field(default_factory=dict)
    adapters: dict[str, list[int]] = field(default_factory=dict)
    first_layer: int = 1 << 30


def _by_rendering(rows: Sequence[Row], readers: Sequence[Reader]) -> dict[Rendering, _Asked]:
    found: dict[Rendering, _Asked] = {}
    for number, (row, reader) in enumerate(zip(rows, readers, strict=True)):
        asked = found.setdefault(reader.rendering, _Asked(reader.rendering))
        asked.places.setdefault(row, len(asked.places))
        asked.adapters.setdefault(reader.key, []).append(number)
        if reader.spec is not None:
            asked.first_layer = min(asked.first_layer, reader.spec.first_layer)
    return found
