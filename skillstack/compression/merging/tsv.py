"""TSV: the members' singular vectors side by side, made orthogonal to each other.

Gargiulo et al. 2025, Task singular vectors: reducing task interference in model merging, CVPR,
https://arxiv.org/abs/2412.00081. Each update keeps a share of its singular values; the left singular vectors
of all members together are replaced by the nearest orthonormal ones (the polar factor), the right ones too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from skillstack.compression.deltas import Delta, Doubles, spectrum
from skillstack.compression.merging.method import Merging, Parts, Settings, present, shape_of
from skillstack.errors import UsageError


def merge(parts: Parts, weights: Sequence[float], settings: Settings, seed: int, layer_name: str) -> Delta:
    """The merged update; its factors are as wide as what all members keep.

    :raises UsageError: for a share that is not above 0 and at most 1.
    """
    share = settings["share"]
    if not 0.0 < share <= 1.0:
        raise UsageError(f"Updates cannot keep a share of {share}.", "It is above 0 and at most 1.")
    lefts, values, rights = [], [], []
    for _, weight, part in present(parts, weights):
        found = spectrum(part)
        count = math.ceil(share * len(found.values) - 1e-9)
        lefts.append(found.left[:, :count])
        values.append(settings["lambda"] * weight * found.values[:count])
        rights.append(found.right[:count].T)
    if not lefts:
        return Delta.zero(shape_of(parts))
    left, right = (
        nearest_orthonormal(np.concatenate(lefts, 1)),
        nearest_orthonormal(np.concatenate(rights, 1)),
    )
    return Delta(left * np.concatenate(values), right.T)


def nearest_orthonormal(vectors: Doubles) -> Doubles:
    """The polar factor of ``[size, count]``; directions that the vectors do not span stay out."""
    if not vectors.size:
        return vectors
    left, values, right = np.linalg.svd(vectors, full_matrices=False)
    count = int(np.count_nonzero(values > 1e-9 * values[0]))
    found: Doubles = left[:, :count] @ right[:count]
    return found


METHOD = Merging(
    name="tsv",
    title="Task singular vectors",
    paper="Gargiulo et al. 2025, https://arxiv.org/abs/2412.00081",
    merge=merge,
    grid={"share": (1.0, 0.5), "lambda": (1.0, 0.5)},
)
