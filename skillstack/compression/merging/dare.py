"""DARE: drop entries of each update at random, scale up the rest, then merge.

Yu et al. 2024, Language models are super Mario: absorbing abilities from homologous models as a free lunch,
ICML, https://arxiv.org/abs/2311.03099. On average over seeds nothing changes: entries that stay are divided
by their chance to stay. What is drawn depends on the seed, the layer's name and the member's number alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from skillstack.compression.deltas import Delta
from skillstack.compression.merging.method import Merging, Parts, Settings, present, shape_of, shares
from skillstack.compression.merging.ties import Floats, elected_mean, single
from skillstack.errors import UsageError
from skillstack.store.canonical import sha256


def merge(parts: Parts, weights: Sequence[float], settings: Settings, seed: int, layer_name: str) -> Delta:
    """The merged update, as a dense matrix: the weighted mean, or with ``then`` at 1 that of agreeing signs.

    :raises UsageError: for a chance to be dropped that is not below 1, another ``then``, or weights of a mean
        that cancel out.
    """
    chance, elect = settings["drop"], check_then(settings["then"])
    if not 0.0 <= chance < 1.0:
        raise UsageError(f"Entries cannot be dropped with chance {chance}.", "It is 0 or more and below 1.")
    kept = (
        (number, weight, drop(single(part), chance, seed, layer_name, number))
        for number, weight, part in present(parts, weights if elect else shares(weights))
    )
    if elect:
        merged = elected_mean(((weight, update) for _, weight, update in kept), shape_of(parts))
    else:
        merged = np.zeros(shape_of(parts), np.float32)
        for _, share, update in kept:
            merged += update * np.float32(share)
    merged *= np.float32(settings["lambda"])
    return Delta.of_dense(merged)


def check_then(then: float) -> bool:
    """Whether the merge elects signs, as in TIES, rather than taking the mean.

    :raises UsageError: if it is neither 1 nor 0.
    """
    if then not in (0.0, 1.0):
        raise UsageError(f"No merge is called {then}.", "Give 0 for linear or 1 for TIES.")
    return then == 1.0


def drop(update: Floats, chance: float, seed: int, layer_name: str, member: int) -> Floats:
    """Drop entries, each with this chance, and divide the others by the chance that they stay; in place."""
    place = sha256(f"{seed}\n{member}\n{layer_name}".encode())
    draws = np.random.Generator(np.random.PCG64(int(place, 16))).random(update.shape, dtype=np.float32)
    update[draws < chance] = 0.0
    update /= np.float32(1.0 - chance)
    return update


METHOD = Merging(
    name="dare",
    title="DARE",
    paper="Yu et al. 2024, https://arxiv.org/abs/2311.03099",
    merge=merge,
    grid={"drop": (0.5, 0.2, 0.8), "then": (0.0, 1.0), "lambda": (1.0, 1.5, 2.0)},
)
