"""A base as transformers itself loads it, for the sides of benchmarks that a user would have instead."""

from __future__ import annotations

from torch import nn

from skillstack.models.base import Base
from skillstack.models.loading import OneDnnLinear, load_base


def load_plain_base(name: str) -> Base:
    """The same weights, with torch's own linear layers everywhere."""
    base = load_base(name, device="cpu")
    for module in base.whole.modules():
        if isinstance(module, OneDnnLinear):
            module.__class__ = nn.Linear
    return base
