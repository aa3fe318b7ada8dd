"""Linear: the weighted mean of the updates.

Wortsman et al. 2022, Model soups, ICML, https://arxiv.org/abs/2203.05482, take the mean of whole models; on
one base that is the mean of their updates. Taking means of A and of B instead, as is often done with LoRA,
multiplies each member's A with every other's B. Weights are scaled to a sum of 1.
"""

from __future__ import annotations

from collections.abc import Sequence

from skillstack.compression.deltas import Delta, total
from skillstack.compression.merging.method import Merging, Parts, Settings, present, shape_of, shares


def merge(parts: Parts, weights: Sequence[float], settings: Settings, seed: int, layer_name: str) -> Delta:
    """The mean, exactly; its factors are as wide as all members' together.

    :raises UsageError: if the weights cancel out.
    """
    return weighted_sum(parts, shares(weights))


def weighted_sum(parts: Parts, weights: Sequence[float]) -> Delta:
    """The sum, exactly, without the members that do not count."""
    counting = present(parts, weights)
    if not counting:
        return Delta.zero(shape_of(parts))
    return total([part for _, _, part in counting], [weight for _, weight, _ in counting])


METHOD = Merging(
    name="linear",
    title="Linear",
    paper="Wortsman et al. 2022, https://arxiv.org/abs/2203.05482",
    merge=merge,
)
