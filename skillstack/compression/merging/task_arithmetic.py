"""Task arithmetic: the weighted sum of the updates, times lambda.

Ilharco et al. 2023, Editing models with task arithmetic, ICLR, https://arxiv.org/abs/2212.04089. A negative
weight takes a member's update away.
"""

from __future__ import annotations

from collections.abc import Sequence

from skillstack.compression.deltas import Delta
from skillstack.compression.merging.linear import weighted_sum
from skillstack.compression.merging.method import Merging, Parts, Settings


def merge(parts: Parts, weights: Sequence[float], settings: Settings, seed: int, layer_name: str) -> Delta:
    """The sum, exactly; its factors are as wide as all members' together."""
    return weighted_sum(parts, [settings["lambda"] * weight for weight in weights])


METHOD = Merging(
    name="task-arithmetic",
    title="Task arithmetic",
    paper="Ilharco et al. 2023, https://arxiv.org/abs/2212.04089",
    merge=merge,
    grid={"lambda": (0.5, 0.3, 0.8, 1.0)},
)
