"""Probabilities of logits. It loads numpy alone, as kept logits are read where no model is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def softmax(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Probabilities ``[..., labels]`` of logits of the same shape, over the last axis."""
    values = logits.astype(np.float64)
    exponents = np.exp(values - values.max(axis=-1, keepdims=True))
    shares: NDArray[np.float64] = exponents / exponents.sum(axis=-1, keepdims=True)
    return shares
