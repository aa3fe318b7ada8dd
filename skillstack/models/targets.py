"""Which linear layers of a base an adapter sits on, and the names and shapes of its tensors."""

from __future__ import annotations

from torch import nn

from skillstack.errors import MismatchError, did_you_mean
from skillstack.models.architecture import layers_path
from skillstack.models.base import Base
from skillstack.models.lora import LoraSpec

#: What PEFT puts before the names of the model that it wraps.
PREFIX = "base_model.model."
Shapes = dict[str, tuple[int, int]]


def linear_layers(base: Base) -> Shapes:
    """``(out_features, in_features)`` of every linear layer within the transformer layers, by full name."""
    start = f"{base.prefix}{layers_path(base.model, base.layers)}."
    return {
        name: (module.out_features, module.in_features)
        for name, module in base.whole.named_modules()
        if isinstance(module, nn.Linear) and name.startswith(start)
    }


def adapted(base: Base, linear: Shapes, spec: LoraSpec) -> tuple[str, ...]:
    """Full names of the layers that a spec adapts, sorted.

    :raises MismatchError: if a target fits nothing, or the first layer does not exist.
    """
    start = f"{base.prefix}{layers_path(base.model, base.layers)}."
    if spec.first_layer >= base.layers:
        raise MismatchError(
            f"{base.identity.name} has {base.layers} layers; none is layer {spec.first_layer}.",
            f"Adapt from layer 0 to {base.layers - 1} on.",
        )
    high = [n for n in linear if int(n[len(start) :].split(".", 1)[0]) >= spec.first_layer]
    found: set[str] = set()
    for target in spec.targets:
        fitting = {name for name in high if name.endswith(f".{target}")}
        if not fitting:
            known = {name.rsplit(".", 1)[-1] for name in high}
            raise MismatchError(
                f"No layer of {base.identity.name} is called {target!r}.", did_you_mean(target, known)
            )
        found |= fitting
    return tuple(sorted(found))


def tensor_shapes(linear: Shapes, names: tuple[str, ...], r: int) -> Shapes:
    """Name, as in PEFT's files, and shape of every tensor of an adapter on these layers."""
    shapes: Shapes = {}
    for name in names:
        out_features, in_features = linear[name]
        shapes[f"{PREFIX}{name}.lora_A.weight"] = (r, in_features)
        shapes[f"{PREFIX}{name}.lora_B.weight"] = (out_features, r)
    return shapes
