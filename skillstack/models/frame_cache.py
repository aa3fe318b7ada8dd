"""A small, bounded store in memory of frames' tensors, the least recently used ones dropped first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

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
