"""Feature vectors of many rows, without gradients, in the rows' own order."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from skillstack.models.batching import batches
from skillstack.models.encoding import Encoded
from skillstack.models.hidden_cache import HiddenCache
from skillstack.models.pooling import pool
from skillstack.models.room import by_parts
from skillstack.models.split import SplitModel


@torch.no_grad()
def features(
    cache: HiddenCache,
    *,
    batch_size: int = 32,
    progress: Callable[[int], None] | None = None,
    place: int = 0,
    places: int = 1,
    rows: Sequence[int] | None = None,
) -> NDArray[np.float32]:
    """Features ``[rows, hidden_size]`` of a cache's rows, with the adapter that is in the model now.

    Where a batch does not fit into memory, fewer rows pass at once from then on.

    :param progress: called with the number of rows done after each batch.
    :param place: which part of the batches is read, from 0; the features of all others are zeros.
    :param places: into how many parts they are divided.
    :param rows: which of the cache's rows, in the order of the features; all of them by default.
    :raises MissingError: if not even one row fits into memory.
    """
    base = cache.split.base
    wanted = range(len(cache.encoded)) if rows is None else rows
    found = np.zeros((len(wanted), base.hidden_size), dtype=np.float32)

    def read(part: Sequence[int]) -> None:
        found[part] = pool(*cache.forward([wanted[i] for i in part]), base.pooling).cpu().numpy()

    lengths = [cache.encoded.lengths[row] for row in wanted]
    for part in batches(lengths, batch_size)[place::places]:
        by_parts(part, base.room, read)
        if progress is not None:
            progress(len(part))
    return found


def features_of(split: SplitModel, encoded: Encoded, *, batch_size: int = 32) -> NDArray[np.float32]:
    """Features ``[rows, hidden_size]`` of rows that are read once, so that nothing is kept."""
    return features(HiddenCache(split, encoded, max_bytes=0), batch_size=batch_size)
