"""Feature vectors of rows: batches of similar length, lower states kept, pooled at the end."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from skillstack.errors import MismatchError, MissingError
from skillstack.models.base import by_parts
from skillstack.models.encoding import Encoded
from skillstack.models.split import SplitModel


def batches(lengths: Sequence[int], batch_size: int, token_budget: int | None = None) -> list[list[int]]:
    """Row numbers in batches, longest rows first, for evaluation and prediction.

    :param lengths: tokens of each row.
    :param batch_size: most rows in a batch.
    :param token_budget: most tokens in a batch, padding included; one row is always allowed.
    """
    found: list[list[int]] = []
    for row in sorted(range(len(lengths)), key=lambda i: (-lengths[i], i)):
        batch = found[-1] if found else None
        # The first row of a batch is its longest.
        full = batch is None or len(batch) >= batch_size
        if batch is not None and token_budget is not None:
            full = full or (len(batch) + 1) * lengths[batch[0]] > token_budget
        if batch is None or full:
            found.append([row])
        else:
            batch.append(row)
    return found


def training_batches(lengths: Sequence[int], batch_size: int, seed: int, epoch: int) -> list[list[int]]:
    """Row numbers in batches for one epoch: every row once, the batches in a seeded order.

    There are as many batches as with a fixed size, ``ceil(n / batch_size)``, and on average they are that
    large; each has between half and one and a half times that, chosen so that padding is least. Which rows of
    equal length share a batch, and the batches' order, differ from epoch to epoch.
    """
    chance = random.Random(hashlib.sha256(f"{seed}:{epoch}".encode()).digest())
    order = list(range(len(lengths)))
    chance.shuffle(order)
    order.sort(key=lambda i: lengths[i])
    found = []
    begin = 0
    for end in _cuts([lengths[i] for i in order], batch_size):
        found.append(order[begin:end])
        begin = end
    chance.shuffle(found)
    return found


def useful_share(lengths: Sequence[int], parts: Iterable[Sequence[int]]) -> float:
    """Real tokens among all that are computed, 0 to 1; 1 when there are none."""
    real = computed = 0
    for part in parts:
        real += sum(lengths[i] for i in part)
        computed += len(part) * max((lengths[i] for i in part), default=0)
    return real / computed if computed else 1.0


def _cuts(ascending: Sequence[int], batch_size: int) -> list[int]:
    """Where to end each batch of ascending lengths so that the padded total is least.

    Dynamic programming over (batches so far, rows so far); rows times batches times sizes steps.
    """
    n = len(ascending)
    if n == 0:
        return []
    count = -(-n // batch_size)
    low, high = max(1, batch_size // 2), max(batch_size, batch_size * 3 // 2)
    if n > 4096 or not count * low <= n <= count * high:
        return [min(n, (i + 1) * batch_size) for i in range(count)]
    best: dict[int, int] = {0: 0}
    steps: list[dict[int, int]] = []
    for _ in range(count):
        cost: dict[int, int] = {}
        source: dict[int, int] = {}
        for begin, so_far in best.items():
            for end in range(begin + low, min(n, begin + high) + 1):
                total = so_far + (end - begin) * ascending[end - 1]
                if end not in cost or total < cost[end]:
                    cost[end], source[end] = total, begin
        best = cost
        steps.append(source)
    cuts = [n]
    for source in reversed(steps[1:]):
        cuts.append(source[cuts[-1]])
    return cuts[::-1]


#: Encoders' features are unit vectors times this, so that a logistic regression of unit penalty suits them.
FEATURE_SCALE = 10.0


def pool(hidden: torch.Tensor, attention_mask: torch.Tensor, pooling: str) -> torch.Tensor:
    """Features ``[rows, hidden_size]`` in float32.

    :param hidden: ``[rows, tokens, hidden_size]``.
    :param attention_mask: ``[rows, tokens]``, 1 for real tokens, which stand on the left.
    :param pooling: ``mean``: the mean over real tokens, l2-normalised, times 10; ``last``:
        the last real token.
    :raises MismatchError: for another pooling.
    """
    if pooling == "mean":
        return FEATURE_SCALE * torch.nn.functional.normalize(mean(hidden, attention_mask), dim=-1)
    if pooling == "last":
        return last(hidden, attention_mask)
    raise MismatchError(f"There is no pooling {pooling!r}.", "Known: mean, last.")


def mean(hidden: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
    """Mean over real tokens ``[rows, hidden_size]``, float32."""
    weights = attention_mask.to(torch.float32).unsqueeze(-1)
    return (hidden.float() * weights).sum(1) / weights.sum(1).clamp_min(1.0)


def last(hidden: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
    """The last real token ``[rows, hidden_size]``, float32."""
    places = attention_mask.sum(1).clamp_min(1) - 1
    return hidden[torch.arange(len(hidden), device=hidden.device), places].float()


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
