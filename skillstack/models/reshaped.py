"""An adapter in the shape of another one: the same update, for a training that goes on from it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from skillstack.models.lora import LoraSpec
from skillstack.models.targets import Shapes

Tensors = Mapping[str, NDArray[np.generic]]
A, B = "lora_A.weight", "lora_B.weight"


def reshaped(tensors: Tensors, scaling: float, spec: LoraSpec, shapes: Shapes) -> Tensors | None:
    """The tensors with which an adapter of another rank, scaling or more layers makes the same update.

    Merged and cut adapters have ranks and scalings of their own. Ranks that are added begin as those of a
    fresh adapter do: random in A, zero in B. Nothing is cut off.

    :param scaling: of the adapter.
    :param spec: the shape that is wanted.
    :param shapes: of the tensors that are wanted, by their names.
    :returns: the tensors as they are, where they fit; None where the update does not.
    """
    if not set(tensors) <= set(shapes):
        return None
    same = all(name in tensors and tensors[name].shape == shape for name, shape in shapes.items())
    if same and scaling == spec.scaling:
        return tensors
    chance = np.random.default_rng(0)
    found: dict[str, NDArray[np.generic]] = {}
    for name in sorted(shapes):
        wide = np.zeros(shapes[name], dtype=np.float32)
        if name.endswith(A):
            bound = 1.0 / np.sqrt(shapes[name][1])
            wide = chance.uniform(-bound, bound, shapes[name]).astype(np.float32)
        if name in tensors:
            tensor = tensors[name]
            rows, columns = tensor.shape
            if rows > wide.shape[0] or columns > wide.shape[1]:
                return None
            factor = scaling / spec.scaling if name.endswith(B) else 1.0
            wide[:rows, :columns] = tensor.astype(np.float64) * factor
        found[name] = wide
    return found
