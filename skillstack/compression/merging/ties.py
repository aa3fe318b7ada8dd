"""TIES: trim each update, elect a sign for each entry, take the mean of those that agree.

Yadav et al. 2023, TIES-merging: resolving interference when merging models, NeurIPS,
https://arxiv.org/abs/2306.01708. Entries are trimmed within a layer instead of the whole model, so that one
layer's matrix is all that is ever held, in float32. With weights, a sign is elected by the weighted updates,
and the mean is weighted; with equal ones that is the paper's. A tie elects the positive sign.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from skillstack.compression.deltas import Delta
from skillstack.compression.merging.method import Merging, Parts, Settings, present, shape_of
from skillstack.errors import UsageError

Floats = NDArray[np.float32]


def merge(parts: Parts, weights: Sequence[float], settings: Settings, seed: int, layer_name: str) -> Delta:
    """The merged update, as a dense matrix.

    :raises UsageError: for a density that is not above 0 and at most 1.
    """
    density = settings["density"]
    check_density(density)
    trimmed = ((weight, trim(single(part), density)) for _, weight, part in present(parts, weights))
    merged = elected_mean(trimmed, shape_of(parts))
    merged *= np.float32(settings["lambda"])
    return Delta.of_dense(merged)


def single(delta: Delta) -> Floats:
    """An update ``[outputs, inputs]`` in float32, which the caller may change."""
    # What overflows is refused where the merged update is decomposed.
    with np.errstate(over="ignore", invalid="ignore"):
        return delta.left.astype(np.float32) @ delta.right.astype(np.float32)


def check_density(density: float) -> None:
    """Check the share of entries that trimming keeps.

    :raises UsageError: if it is not above 0 and at most 1.
    """
    if not 0.0 < density <= 1.0:
        raise UsageError(f"Trimming cannot keep a share of {density}.", "It is above 0 and at most 1.")


def trim(update: Floats, density: float) -> Floats:
    """Set all but this share of the entries, the largest ones, to zero, in place.

    Of entries as large as the smallest that stays, all stay. One at least does.
    """
    sizes = np.abs(update)
    # A share such as 0.7 of 10 is meant as 7 and not as 6.999...
    away = sizes.size - max(1, int(density * sizes.size + 1e-9))
    if away > 0:
        least = np.partition(sizes, away, axis=None)[away]
        update[sizes < least] = 0.0
    return update


def elected_mean(updates: Iterable[tuple[float, Floats]], shape: tuple[int, int]) -> Floats:
    """Entry by entry the weighted mean of those entries that have the sign of the weighted sum.

    Sums of the positive and of the negative entries say both, so no two updates are held at once.

    :param updates: weights and updates; zero entries take no part.
    :param shape: of each update.
    """
    sums = np.zeros((2, *shape), np.float32)
    masses = np.zeros((2, *shape), np.float32)
    for weight, update in updates:
        weighted = update * np.float32(weight)
        for sign, (bounded, side) in enumerate(((np.maximum, weighted > 0), (np.minimum, weighted < 0))):
            sums[sign] += bounded(weighted, np.float32(0))
            masses[sign] += side * np.float32(abs(weight))
    np.divide(sums, masses, out=masses, where=masses > 0)
    elected: Floats = np.where(sums[0] + sums[1] >= 0, masses[0], masses[1])
    return elected


METHOD = Merging(
    name="ties",
    title="TIES",
    paper="Yadav et al. 2023, https://arxiv.org/abs/2306.01708",
    merge=merge,
    grid={"density": (0.2, 0.5, 0.8), "lambda": (1.0, 0.7, 1.5)},
)
