"""From hidden states to one feature vector per row."""

from __future__ import annotations

import torch

from skillstack.errors import MismatchError

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
