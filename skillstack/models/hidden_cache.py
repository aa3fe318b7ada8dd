"""The lower part's hidden states of a set of rows, computed once and used in every epoch and evaluation."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from skillstack.errors import MissingError
from skillstack.models.batching import batches
from skillstack.models.encoding import Encoded
from skillstack.models.room import by_parts
from skillstack.models.split import SplitModel

#: Default bound, in bytes. 48 examples for each of 14 classes at 128 tokens of 384 numbers need 130 MB.
MAX_BYTES = 1 << 30


class HiddenCache:
    """Kept states, ragged: one block ``[tokens, hidden_size]`` per row, without padding.

    Rows beyond the bound, and all rows where the model is not cut, are computed anew each time; the results
    are the same but for the last digits that padding decides.

    :ivar split: the model in two parts.
    :ivar encoded: the rows.
    """

    def __init__(self, split: SplitModel, encoded: Encoded, *, max_bytes: int = MAX_BYTES) -> None:
        self.split = split
        self.encoded = encoded
        self._max_bytes = max_bytes if split.splits else 0
        self._blocks: dict[int, torch.Tensor] = {}
        self._bytes = 0

    @classmethod
    def joined(cls, parts: Sequence[tuple[HiddenCache, Sequence[int]]]) -> HiddenCache:
        """Rows of several caches of one model in one, so that a batch can hold rows of different tasks.

        What is kept is shared, not copied.

        :param parts: at least one cache, each with the rows that are wanted of it.
        """
        first = parts[0][0]
        encoded = [cache.encoded.select(rows) for cache, rows in parts]
        types = None
        if all(part.types is not None for part in encoded):
            types = tuple(row for part in encoded for row in part.types or ())
        ids = tuple(row for part in encoded for row in part.ids)
        cut = tuple(flag for part in encoded for flag in part.cut)
        made = cls(first.split, Encoded(ids, types, cut, encoded[0].padding_id), max_bytes=0)
        wanted = ((cache, row) for cache, rows in parts for row in rows)
        made._blocks = {
            place: cache._blocks[row] for place, (cache, row) in enumerate(wanted) if row in cache._blocks
        }
        return made

    @property
    def bytes(self) -> int:
        """Memory that the kept states take."""
        return self._bytes

    @property
    def rows(self) -> int:
        """How many rows' states are kept."""
        return len(self._blocks)

    def fill(self, batch_size: int = 32, progress: Callable[[int], None] | None = None) -> None:
        """Compute the states of all rows, or of as many as the bound allows; of none if memory runs out.

        :param progress: called with the number of rows done after each batch.
        """
        base = self.split.base
        width = base.hidden_size * torch.empty((), dtype=base.dtype).element_size()
        lengths = self.encoded.lengths
        for rows in batches(lengths, batch_size):
            size = sum(lengths[i] for i in rows) * width
            if all(row in self._blocks for row in rows) or self._bytes + size > self._max_bytes:
                continue
            try:
                by_parts(rows, base.room, self._keep)
            except MissingError:
                # What is kept fills the memory, so none of it stays; the rows are computed when asked for.
                self._blocks, self._bytes, self._max_bytes, base.room.most = {}, 0, 0, None
                return
            self._bytes += size
            if progress is not None:
                progress(len(rows))

    def _keep(self, rows: Sequence[int]) -> None:
        hidden = self.split.lower(self.encoded.batch(rows, self.split.base.device))
        for place, row in enumerate(rows):
            # A clone, as a view would keep the whole padded batch alive.
            self._blocks[row] = hidden[place, : len(self.encoded.ids[row])].clone()

    def states(self, rows: Sequence[int]) -> tuple[torch.Tensor, torch.Tensor]:
        """The lower part's states ``[rows, tokens, hidden_size]`` and the mask ``[rows, tokens]``."""
        if any(row not in self._blocks for row in rows):
            batch = self.encoded.batch(rows, self.split.base.device)
            return self.split.lower(batch), batch.attention_mask
        blocks = [self._blocks[row] for row in rows]
        hidden = torch.nn.utils.rnn.pad_sequence(blocks, batch_first=True)
        lengths = torch.tensor([len(block) for block in blocks], device=hidden.device)
        places = torch.arange(hidden.shape[1], device=hidden.device)
        return hidden, (places[None, :] < lengths[:, None]).long()

    def forward(self, rows: Sequence[int]) -> tuple[torch.Tensor, torch.Tensor]:
        """The model's last states ``[rows, tokens, hidden_size]`` and the mask ``[rows, tokens]``."""
        if not self.split.splits:
            batch = self.encoded.batch(rows, self.split.base.device)
            return self.split.whole(batch), batch.attention_mask
        hidden, mask = self.states(rows)
        return self.split.upper(hidden, mask), mask
