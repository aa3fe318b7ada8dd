"""Small adapters, what they add up to, and strategies that draw them."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
from hypothesis import strategies as st

from skillstack.compression.deltas import Delta
from skillstack.models.lora import LoraSpec

START = "base_model.model.encoder.layer."
SPEC = LoraSpec(4, 8, 0.1, ("query", "value", "dense"), 1)
#: Outputs and inputs of each kind of layer of a small base with three transformer layers.
KINDS = {"query": (12, 12), "value": (12, 12), "dense": (20, 12)}
LAYERS = 3


def adapter(seed: int, spec: LoraSpec = SPEC) -> dict[str, np.ndarray]:
    """Random tensors of an adapter of this shape."""
    chance = np.random.default_rng(seed)
    tensors = {}
    for number in range(spec.first_layer, LAYERS):
        for target in spec.targets:
            outputs, inputs = KINDS[target]
            name = f"{START}{number}.{target}"
            tensors[f"{name}.lora_A.weight"] = chance.normal(0, 0.3, (spec.r, inputs)).astype(np.float32)
            tensors[f"{name}.lora_B.weight"] = chance.normal(0, 0.3, (outputs, spec.r)).astype(np.float32)
    return tensors


def updates(tensors: Mapping[str, np.ndarray], spec: LoraSpec) -> dict[str, np.ndarray]:
    """What an adapter adds to each layer, computed the plain way."""
    ends = ".lora_A.weight", ".lora_B.weight"
    scaling = spec.alpha / (spec.r**0.5 if spec.rslora else spec.r)
    return {
        layer: scaling * tensors[layer + ends[1]].astype(np.float64) @ tensors[layer + ends[0]]
        for layer in sorted({name.removesuffix(ends[0]) for name in tensors if name.endswith(ends[0])})
    }


def weighted_sums(members, weights: Sequence[float]) -> dict[str, np.ndarray]:
    """The dense weighted sum for each layer that any member adapts."""
    sums: dict[str, np.ndarray] = {}
    for (tensors, spec), weight in zip(members, weights, strict=True):
        for layer, update in updates(tensors, spec).items():
            sums[layer] = sums.get(layer, 0) + weight * update
    return sums


def deltas(count: int, shape: tuple[int, int] = (12, 10), rank: int = 3) -> list[Delta]:
    """Random updates of one layer."""
    chance = np.random.default_rng(count)
    return [
        Delta(chance.normal(size=(shape[0], rank)), chance.normal(size=(rank, shape[1])))
        for _ in range(count)
    ]


def close(found: np.ndarray, wanted: np.ndarray, tolerance: float = 1e-5) -> bool:
    """Whether two matrices differ by little, measured against the larger one's norm."""
    size = max(float(np.linalg.norm(wanted)), 1e-12)
    return float(np.linalg.norm(found - wanted)) <= tolerance * size


specs = st.builds(
    LoraSpec,
    r=st.integers(1, 14),
    alpha=st.integers(1, 64),
    dropout=st.sampled_from([0.0, 0.1]),
    targets=st.sets(st.sampled_from(sorted(KINDS)), min_size=1).map(lambda found: tuple(sorted(found))),
    first_layer=st.integers(0, LAYERS - 1),
    rslora=st.booleans(),
)


@st.composite
def members(draw, most: int = 4):
    """Adapters of one base that differ in everything else, and a weight for each."""
    shapes = draw(st.lists(specs, min_size=1, max_size=most))
    seed = draw(st.integers(0, 1000))
    weights = draw(
        st.lists(st.floats(-2, 2).map(lambda w: round(w, 3)), min_size=len(shapes), max_size=len(shapes))
    )
    return [(adapter(seed + number, spec), spec) for number, spec in enumerate(shapes)], weights


def of_rank(rank: int) -> LoraSpec:
    """The usual shape with another rank."""
    return dataclasses.replace(SPEC, r=rank)
