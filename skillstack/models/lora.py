"""The shape of an adapter: LoRA (Hu et al. 2021, https://arxiv.org/abs/2106.09685) on some layers."""

from __future__ import annotations

import math
from dataclasses import dataclass

from skillstack.errors import UsageError

#: The layers that an adapter sits on where a recipe names none, by the kind of base, as most call them.
DEFAULT_TARGETS: dict[str, tuple[str, ...]] = {
    "encoder": ("query", "key", "value", "dense"),
    "decoder": ("q_proj", "k_proj", "v_proj", "o_proj"),
}
#: The same for architectures that call their layers otherwise: queries, keys and values, what follows the
#: attention, and the feed-forward layers.
_OWN_TARGETS: dict[str, tuple[str, ...]] = {
    "deberta": ("in_proj", "dense"),
    "deberta-v2": ("query_proj", "key_proj", "value_proj", "dense"),
    "distilbert": ("q_lin", "k_lin", "v_lin", "out_lin", "lin1", "lin2"),
    "modernbert": ("Wqkv", "Wo", "Wi"),
    "mpnet": ("attn.q", "attn.k", "attn.v", "attn.o", "dense"),
    "nomic_bert": ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"),
}


def default_targets(kind: str, architecture: str) -> tuple[str, ...]:
    """The layers that an adapter sits on where a recipe names none.

    :param kind: ``encoder`` or ``decoder``.
    :param architecture: a model type of transformers.
    """
    return _OWN_TARGETS.get(architecture, DEFAULT_TARGETS[kind])


@dataclass(frozen=True)
class LoraSpec:
    """Where an adapter sits and how strong it is.

    :ivar r: rank.
    :ivar alpha: the update is scaled by ``alpha / r``, or by ``alpha / sqrt(r)`` with `rslora`.
    :ivar dropout: share of an adapted layer's inputs that training drops, 0 to below 1.
    :ivar targets: ends of the names of the linear layers that are adapted: ``query``, ``output.dense``.
    :ivar first_layer: the lowest transformer layer that is adapted, counted from 0.
    :ivar rslora: rank-stabilised scaling (Kalajdzievski 2023, https://arxiv.org/abs/2312.03732).
    """

    r: int
    alpha: int
    dropout: float
    targets: tuple[str, ...]
    first_layer: int
    rslora: bool = False

    def __post_init__(self) -> None:
        """Check the numbers.

        :raises UsageError: if one is out of range.
        """
        if self.r < 1 or self.alpha < 1 or not 0.0 <= self.dropout < 1.0 or self.first_layer < 0:
            raise UsageError(
                f"No LoRA adapter has rank {self.r}, alpha {self.alpha}, dropout {self.dropout} and "
                f"first layer {self.first_layer}.",
                "Rank and alpha are at least 1, dropout is below 1, layers count from 0.",
            )
        if not self.targets:
            raise UsageError("A LoRA adapter needs at least one target.", "For example: query, value.")

    @property
    def scaling(self) -> float:
        """What the product of B and A is multiplied with."""
        return self.alpha / (math.sqrt(self.r) if self.rslora else self.r)
