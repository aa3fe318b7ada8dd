"""Logits of frames over a base: rows are grouped by frame, and each frame is swapped in once.

Frames' tensors are kept in a small, bounded store in memory, the least recently used ones dropped first.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from skillstack.errors import MismatchError
from skillstack.models.encoding import Encoded, encode
from skillstack.models.features import HiddenCache, features, features_of
from skillstack.models.heads import Head
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


@dataclass(frozen=True, eq=False)
class Answerer:
    """A skill, ready to answer.

    :ivar key: digests of the adapter's config and tensors, or empty without an adapter.
    :ivar load: reads the adapter's tensors.
    :ivar spec: the adapter's shape, or None.
    :ivar head: the skill's head.
    :ivar rendering: how rows become the model's input.
    :ivar name: what errors call it.
    """

    key: str
    load: Callable[[], Mapping[str, NDArray[np.generic]]]
    spec: LoraSpec | None
    head: Head
    rendering: Rendering
    name: str = "this one"


@dataclass(frozen=True)
class Answer:
    """One row's answer.

    :ivar logits: ``[labels]``.
    :ivar truncated: whether the row was too long and was cut.
    """

    logits: Floats
    truncated: bool


class Answering:
    """A base with its slot and a bounded cache of frames.

    :ivar slot: the slot.
    :ivar cache: frames' tensors by digest.
    """

    def __init__(self, slot: Slot, cache: FrameCache | None = None) -> None:
        self.slot = slot
        self.cache = cache if cache is not None else FrameCache()

    def swap(self, answerer: Answerer) -> None:
        """Put a skill's adapter into the slot, or leave the base alone where it has none.

        :raises MismatchError: if the adapter does not fit the base.
        """
        if answerer.spec is None:
            self.slot.clear()
        else:
            self.slot.copy_in(self.cache.get(answerer.key, answerer.load), answerer.spec)

    def answer(self, rows: Sequence[Row], answerers: Sequence[Answerer]) -> list[Answer]:
        """Each row's answer by its own skill; the order of the rows is kept.

        :param answerers: one per row.
        :raises MismatchError: if an adapter or a head does not fit the base, or a logit is not finite.
        """
        found: list[Answer | None] = [None] * len(rows)
        # What lies below the adapted layers is computed on the bare base: the last adapter has to be gone.
        self.slot.clear()
        asked = _by_rendering(rows, answerers)
        caches = {rendering: self._cache(some) for rendering, some in asked.items()}
        adapters = {answerer.key: answerer for answerer in answerers}
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
                    answerer = answerers[number]
                    logits = _finite(answerer.head.logits(seen[where[place]][None])[0], answerer.name)
                    found[number] = Answer(logits, caches[rendering].encoded.cut[place])
        return [answer for answer in found if answer is not None]

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


def _by_rendering(rows: Sequence[Row], answerers: Sequence[Answerer]) -> dict[Rendering, _Asked]:
    found: dict[Rendering, _Asked] = {}
    for number, (row, answerer) in enumerate(zip(rows, answerers, strict=True)):
        asked = found.setdefault(answerer.rendering, _Asked(answerer.rendering))
        asked.places.setdefault(row, len(asked.places))
        asked.adapters.setdefault(answerer.key, []).append(number)
        if answerer.spec is not None:
            asked.first_layer = min(asked.first_layer, answerer.spec.first_layer)
    return found


def skill_logits(slot: Slot, encoded: Encoded, head: Head) -> Floats:
    """Logits ``[rows, labels]`` of a head over what is in the slot now.

    :raises MismatchError: if the head does not fit, or a logit is not finite.
    """
    return _finite(head.logits(features_of(SplitModel(slot.base, 0), encoded)), "this one")


def _finite(logits: Floats, name: str) -> Floats:
    if not np.isfinite(logits).all():
        raise MismatchError(
            f"Of the frame {name!r}, a logit is not finite.",
            "It is damaged, or the precision too low for it: `skillstack verify --deep` says which.",
        )
    return logits
