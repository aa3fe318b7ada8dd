"""Coefficients in 16 bits: a router state is half as large, and its scores move by less than 1e-4.

The coefficients of one feature share a power of two. Half precision would take as much room and be sixteen
times coarser at the largest coefficient of a feature, which is too coarse for that promise.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_BITS = 15
_LOWEST = -100


def split(
    coefficients: NDArray[np.float32] | NDArray[np.float64],
) -> tuple[NDArray[np.int16], NDArray[np.int8]]:
    """Whole numbers, int16 [features, skills], and exponents, int8 [features], for floats [features, skills].

    The exponent is the one that `frexp` gives for the feature's largest coefficient.
    """
    largest = np.abs(coefficients).max(axis=1, initial=0.0)
    exponents = np.clip(np.frexp(largest)[1], _LOWEST, 100)
    whole = np.rint(np.ldexp(coefficients, _BITS - exponents[:, None]))
    limit = (1 << _BITS) - 1
    return np.clip(whole, -limit, limit).astype(np.int16), exponents.astype(np.int8)


def combine(whole: NDArray[np.int16], exponents: NDArray[np.int8]) -> NDArray[np.float32]:
    """The coefficients that `split` kept, float32 [features, skills], exactly."""
    powers = np.ldexp(np.float32(1), exponents.astype(np.int32) - _BITS).astype(np.float32)
    return whole.astype(np.float32) * powers[:, None]
