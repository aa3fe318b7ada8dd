"""Adapters tried on rows without being put into a store; what lies below all of them is computed once."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from skillstack.compression.adapters import Adapter
from skillstack.errors import MismatchError
from skillstack.models.encoding import encode
from skillstack.models.features import HiddenCache, features
from skillstack.models.heads import Head
from skillstack.models.split import SplitModel
from skillstack.predictor import Predictor
from skillstack.store import canonical
from skillstack.store.canonical import sha256
from skillstack.store.derived import Derived
from skillstack.store.records import Rendering
from skillstack.store.rows import Row

Floats = NDArray[np.float32]
#: Derived files that hold features, with the version of how these are computed.
KIND = "tried-1"
#: Memory that the lower states of all rows together may take, in bytes; those of further rows are not kept.
MAX_BYTES = 3 << 30


@dataclass(frozen=True, eq=False)
class Answering:
    """What answers for a skill.

    :ivar adapter: None for the base alone.
    :ivar head: its head.
    """

    adapter: Adapter | None
    head: Head


class Passages:
    """Rows as a base reads them.

    :ivar rows: the rows.
    :ivar rendering: how they are shown to it.
    """

    def __init__(
        self,
        predictor: Predictor,
        split: SplitModel,
        rows: Sequence[Row],
        rendering: Rendering,
        room: Callable[[], int],
        kept: Derived,
    ) -> None:
        """Prepare; nothing is read yet.

        :param room: says how many bytes lower states may take.
        :param kept: features that were computed before.
        """
        self.rows, self.rendering = tuple(rows), rendering
        self._predictor, self._split, self._room, self._kept = predictor, split, room, kept
        self._cache: HiddenCache | None = None
        self._seen: dict[str, Floats] = {}

    def features(self, adapter: Adapter | None) -> Floats:
        """Features ``[rows, hidden_size]`` under an adapter, or of the base alone; computed once for each.

        :raises MismatchError: if the adapter does not fit the base, or a feature is not finite.
        """
        key = adapter.key if adapter is not None else ""
        if key not in self._seen:
            place = sha256(canonical.dumps({"adapter": key, "rows": self._digest}))
            shape = len(self.rows), self._predictor.base.hidden_size
            found = (self._kept.read(place) or {}).get("features")
            if found is None or found.shape != shape or found.dtype != np.float32:
                found = self._compute(adapter)
                self._kept.write(place, {"features": found})
            if not np.isfinite(found).all():
                raise MismatchError(
                    "An adapter gives features that are not finite.", "Try another candidate with --method."
                )
            self._seen[key] = np.asarray(found, dtype=np.float32)
        return self._seen[key]

    def _compute(self, adapter: Adapter | None) -> Floats:
        cache = self._filled()
        with self._predictor.alone() as slot:
            if adapter is not None:
                slot.copy_in(adapter.tensors, adapter.spec)
            return features(cache)

    @cached_property
    def _digest(self) -> str:
        """Of the rows, of how they are shown, and of what reads them."""
        base = self._predictor.base
        return sha256(
            canonical.dumps(
                {
                    "base": [base.identity.weights, base.identity.tokenizer, base.precision, base.pooling],
                    "cut": self._split.first_adapted_layer,
                    "rendering": [
                        self.rendering.prompt,
                        self.rendering.truncation,
                        self.rendering.max_length,
                    ],
                    "rows": [row.digest() for row in self.rows],
                }
            )
        )

    @property
    def lower(self) -> HiddenCache:
        """The lower states, to train on."""
        return self._filled()

    @property
    def bytes(self) -> int:
        """Memory that the lower states take."""
        return 0 if self._cache is None else self._cache.bytes

    def knows(self, adapter: Adapter | None) -> bool:
        """Whether features under this adapter are computed already."""
        return (adapter.key if adapter is not None else "") in self._seen

    def _filled(self) -> HiddenCache:
        if self._cache is None:
            with self._predictor.alone() as slot:
                encoded = encode(slot.base, list(self.rows), self.rendering)
                self._cache = HiddenCache(self._split, encoded, max_bytes=max(0, self._room()))
                self._cache.fill()
        return self._cache


class Trial:
    """A base with rows to try adapters on.

    :ivar predictor: the base.
    :ivar derived: folder of all derived files.
    """

    def __init__(self, predictor: Predictor, first_layer: int, derived: Path) -> None:
        """Cut the base below the lowest layer that any of the adapters changes.

        :param first_layer: that layer.
        :param derived: folder of all derived files; features that were computed before are read from there.
        """
        self.predictor = predictor
        self.derived = derived
        self._kept = Derived(derived, KIND)
        with predictor.alone() as slot:
            try:
                self._split = SplitModel(slot.base, first_layer)
            except MismatchError:
                self._split = SplitModel(slot.base, 0)  # a model that cannot be cut answers all the same
        self._passages: dict[tuple[tuple[Row, ...], Rendering], Passages] = {}

    def passages(self, rows: Sequence[Row], rendering: Rendering) -> Passages:
        """Rows shown in one way; the same ones are read once. Label words are no part of what is shown."""
        key = tuple(rows), dataclasses.replace(rendering, label_words=())
        if key not in self._passages:
            self._passages[key] = Passages(
                self.predictor, self._split, rows, rendering, self._room, self._kept
            )
        return self._passages[key]

    def _room(self) -> int:
        return MAX_BYTES - sum(passages.bytes for passages in self._passages.values())

    def forget(self) -> None:
        """Free the memory that rows take; they are read again when they are asked for."""
        self._passages.clear()

    def logits(
        self, rows: Sequence[Row], places: Sequence[int], rendering: Rendering, answering: Answering
    ) -> Floats:
        """Logits ``[places, labels]`` of some of the rows; all are read only if they have been already.

        :param places: numbers of the rows that are asked.
        """
        whole = self.passages(rows, rendering)
        if whole.knows(answering.adapter):
            return answering.head.logits(whole.features(answering.adapter)[list(places)])
        some = self.passages([rows[place] for place in places], rendering)
        return answering.head.logits(some.features(answering.adapter))
