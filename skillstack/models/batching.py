"""Batches of rows of similar length, so that little is computed for padding."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable, Sequence


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
