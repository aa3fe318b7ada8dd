"""Features of rows under adapters that no frame has; layers below all adapters are computed once."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from skillstack.compression.deltas import Adapter
from skillstack.errors import MismatchError
from skillstack.models.encoding import encode
from skillstack.models.features import HiddenCache, features
from skillstack.models.split import SplitModel
from skillstack.predictor import Predictor
from skillstack.store import canonical
from skillstack.store.canonical import sha256
from skillstack.store.derived import Derived
from skillstack.store.records import Rendering
from skillstack.store.rows import Row

Floats = NDArray[np.float32]
#: Derived files that hold features, with the version of how these are computed.
KIND = "tried-2"
#: Memory that the lower states of all rows together may take, in bytes; those of further rows are not kept.
MAX_BYTES = 3 << 30


class Trial:
    """A base that reads rows under any adapter, each once.

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
        self.forget()

    def forget(self) -> None:
        """Free the memory that rows take; they are read again when they are asked for."""
        #: By how rows are shown: of each row its lower states, and by the adapter's key its features.
        self._lower: dict[Rendering, dict[Row, tuple[HiddenCache, int]]] = defaultdict(dict)
        self._seen: dict[tuple[Rendering, str], dict[Row, Floats]] = defaultdict(dict)
        self._bytes = 0

    def features(self, rows: Sequence[Row], rendering: Rendering, adapter: Adapter | None) -> Floats:
        """Features ``[rows, hidden_size]`` under an adapter, or of the base alone.

        :param rendering: how the rows are shown to the base.
        :raises MismatchError: if the adapter does not fit the base, or a feature is not finite.
        """
        if not rows:
            return np.zeros((0, self.predictor.base.hidden_size), dtype=np.float32)
        shown = _shown(rendering)
        key = adapter.key if adapter is not None else ""
        seen = self._seen[shown, key]
        if any(row not in seen for row in rows):
            place = sha256(canonical.dumps({"adapter": key, "rows": self._digest(rows, shown)}))
            found = (self._kept.read(place) or {}).get("features")
            if found is None or found.shape != (len(rows), self.predictor.base.hidden_size):
                missing = [row for row in dict.fromkeys(rows) if row not in seen]
                seen |= zip(missing, self._computed(missing, shown, adapter), strict=True)
                found = np.stack([seen[row] for row in rows])
                self._kept.write(place, {"features": found})
            if not np.isfinite(found).all():
                raise MismatchError(
                    "An adapter gives features that are not finite.", "Try another candidate with --method."
                )
            seen |= zip(rows, found.astype(np.float32, copy=False), strict=True)
        return np.stack([seen[row] for row in rows])

    def lower(self, rows: Sequence[Row], rendering: Rendering) -> HiddenCache:
        """Lower states of rows, in their order, to train on."""
        shown = _shown(rendering)
        known = self._lower[shown]
        missing = [row for row in dict.fromkeys(rows) if row not in known]
        if missing:
            encoded = encode(self.predictor.base, missing, shown)
            cache = HiddenCache(self._split, encoded, max_bytes=max(0, MAX_BYTES - self._bytes))
            with self.predictor.alone():
                cache.fill()
            self._bytes += cache.bytes
            known |= {row: (cache, place) for place, row in enumerate(missing)}
        return HiddenCache.joined([(cache, [place]) for cache, place in (known[row] for row in rows)])

    def _computed(self, rows: Sequence[Row], shown: Rendering, adapter: Adapter | None) -> Floats:
        lower = self.lower(rows, shown)
        with self.predictor.alone() as slot:
            if adapter is not None:
                slot.copy_in(adapter.tensors, adapter.spec)
            return features(lower)

    def _digest(self, rows: Sequence[Row], shown: Rendering) -> str:
        """Of rows, of how they are shown, and of what reads them."""
        base = self.predictor.base
        return sha256(
            canonical.dumps(
                {
                    "base": [base.identity.weights, base.identity.tokenizer, base.precision, base.pooling],
                    "cut": self._split.first_adapted_layer,
                    "rendering": [shown.prompt, shown.truncation, shown.max_length],
                    "rows": [row.digest() for row in rows],
                }
            )
        )


def _shown(rendering: Rendering) -> Rendering:
    """A rendering without its label words, which are no part of what is shown."""
    return dataclasses.replace(rendering, label_words=())
