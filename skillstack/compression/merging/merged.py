"""One adapter of several, layer by layer, so that one layer's matrix is the most that is held."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from skillstack.compression.deltas import (
    A,
    Delta,
    Tensors,
    adapter_of,
    delta_of,
    layers_of,
    shape_of,
    spectrum,
)
from skillstack.compression.merging.method import Settings
from skillstack.compression.merging.registry import merging
from skillstack.errors import MismatchError, UsageError
from skillstack.models.lora import LoraSpec

#: An adapter: its tensors by PEFT's names, and its shape.
Adapter = tuple[Tensors, LoraSpec]
Shapes = dict[str, tuple[int, int]]
# The first number in a name is that of the transformer layer.
_LAYER = re.compile(r"(.*?\.)(\d{1,4})\.(.+)")


@dataclass(frozen=True, eq=False)
class Merged:
    """What a merge gave.

    :ivar tensors: of the merged adapter, by PEFT's names, float32.
    :ivar spec: its shape; the scaling is 1.
    :ivar lost: Frobenius norm of what its rank leaves out of the merged updates, as a share of the whole.
    :ivar kept: for each layer that a member adapts, the share of the merged update's energy (the sum of its
        squared singular values) that the rank keeps; 1 where there is no update.
    """

    tensors: dict[str, NDArray[np.float32]]
    spec: LoraSpec
    lost: float
    kept: dict[str, float]


def merge_adapters(
    members: Sequence[Adapter],
    method: str,
    *,
    rank: int,
    weights: Sequence[float] | None = None,
    settings: Settings | None = None,
    seed: int = 0,
) -> Merged:
    """Merge adapters of one base; their ranks, scalings, targets and first layers may differ.

    :param method: name of a way of merging.
    :param rank: of the merged adapter, at least 1.
    :param weights: how much each member counts; 1 each by default, and negative to take an update away.
    :param settings: the way's own parameters; its defaults for what is not named.
    :param seed: for ways that draw at random.
    :raises UsageError: without members, for an unknown way or setting, and for a rank, weight or setting that
        is out of range.
    :raises MismatchError: if an adapter is damaged or not finite, or members are of different bases.
    """
    way = merging(method)
    chosen = way.settled(settings)
    counts = _weights(weights, len(members))
    if rank < 1:
        raise UsageError(f"No adapter has rank {rank}.", "Rank is at least 1.")
    shapes = _shapes(members)
    spec = joint_spec([spec for _, spec in members], rank)
    cuts: dict[str, Delta] = {}
    kept: dict[str, float] = {}
    whole = left_out = 0.0
    # One thread: the bytes, and with them a frame's id, must not depend on how many cores there are.
    with threadpool_limits(limits=1):
        for layer in sorted(shapes):
            parts = [delta_of(t, s, layer) if layer + A in t else None for t, s in members]
            found = spectrum(way.merge(parts, counts, chosen, seed, layer))
            cuts[layer] = found.cut(rank)
            energy, tail = found.energy(), found.energy(rank)
            kept[layer] = 1.0 - tail / energy if energy else 1.0
            whole, left_out = whole + energy, left_out + tail
        cuts |= {layer: Delta.zero(shape) for layer, shape in _gaps(shapes, spec.first_layer).items()}
        tensors, spec = adapter_of(cuts, rank, spec)
    return Merged(tensors, spec, math.sqrt(left_out / whole) if whole else 0.0, kept)


def joint_spec(specs: Sequence[LoraSpec], rank: int) -> LoraSpec:
    """The shape of an adapter that sits wherever one of these does, with a scaling of 1.

    :raises UsageError: for a rank below 1.
    """
    return LoraSpec(
        r=rank,
        alpha=rank,
        dropout=0.0,
        targets=tuple(sorted({target for spec in specs for target in spec.targets})),
        first_layer=min(spec.first_layer for spec in specs),
    )


def _weights(weights: Sequence[float] | None, count: int) -> list[float]:
    if not count:
        raise UsageError("There is no adapter to merge.", "Give one or more.")
    found = [1.0] * count if weights is None else [float(weight) for weight in weights]
    if len(found) != count:
        raise UsageError(f"{len(found)} weights do not fit {count} adapters.", "Give one weight for each.")
    if not all(map(math.isfinite, found)):
        raise UsageError(f"The weights {found} are not all finite.", "Give finite numbers.")
    return found


def _shapes(members: Sequence[Adapter]) -> Shapes:
    """Outputs and inputs of every layer that a member adapts; all members must agree."""
    shapes: Shapes = {}
    for number, (tensors, spec) in enumerate(members, 1):
        for layer in layers_of(tensors):
            shape = shape_of(tensors, spec, layer)
            known = shapes.setdefault(layer, shape)
            if known != shape:
                raise MismatchError(
                    f"{layer} is {shape} in adapter {number} and {known} in one before it.",
                    "They were made for different bases.",
                )
    return shapes


def _gaps(shapes: Mapping[str, tuple[int, int]], first: int) -> Shapes:
    """Layers that no member adapts, and that an adapter with all their targets and first layers has.

    An adapter has the same targets in all of its transformer layers. Where one member adapts queries from
    layer 3 on and another one values from layer 0 on, the merged one has queries, which change nothing, from
    layer 0 on.
    """
    # By what stands before and after its number, where a layer is adapted and of which shape.
    kinds: dict[tuple[str, str], tuple[int, int]] = {}
    numbers: dict[str, set[int]] = {}
    for name in sorted(shapes):
        match = _LAYER.fullmatch(name)
        if match is not None:
            kinds[match[1], match[3]] = shapes[name]
            numbers.setdefault(match[1], set()).add(int(match[2]))
    wanted = {
        f"{start}{number}.{end}": shape
        for (start, end), shape in kinds.items()
        for number in range(min(first, *numbers[start]), max(numbers[start]) + 1)
    }
    return {name: shape for name, shape in wanted.items() if name not in shapes}
