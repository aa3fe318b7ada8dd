"""The one adapter slot of a base.

LoRA layers are put into the model once; a frame is swapped in by copying its tensors over the last one's.
So a swap costs the same however many frames there are, replaces every tensor or fails, and never leaves
gradients on.

Which layers it sits on, and the names and shapes of an adapter's tensors, follow from the base and the
spec.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from peft import LoraConfig, PeftModel, get_peft_model
from peft.tuners.lora import LoraLayer
from torch import nn

from skillstack.errors import MismatchError, did_you_mean
from skillstack.hub import quiet
from skillstack.models.base import Base
from skillstack.models.identity import layers_path
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


def check_adapter(tensors: Mapping[str, NDArray[np.generic]], shapes: Shapes) -> None:
    """Compare an adapter's tensors with the names and shapes that a base wants, before anything is changed.

    :raises MismatchError: if a tensor is missing, unexpected, of another shape, no float, or not finite.
    """
    missing, unexpected = sorted(shapes.keys() - tensors.keys()), sorted(tensors.keys() - shapes.keys())
    if missing or unexpected:
        what = [f"{len(missing)} tensors are missing, such as {missing[0]}"] if missing else []
        what += [f"{len(unexpected)} are unexpected, such as {unexpected[0][:120]}"] if unexpected else []
        raise MismatchError(
            f"The adapter does not fit this base: {' and '.join(what)}.",
            "It was made for another base or for other layers.",
        )
    for name, shape in shapes.items():
        tensor = tensors[name]
        if tensor.shape != shape or tensor.dtype.kind != "f":
            raise MismatchError(
                f"The adapter's {name} is {tensor.dtype} of shape {tensor.shape}, not floats of {shape}.",
                "It was made for another base or rank.",
            )
        if not _finite(tensor):
            raise MismatchError(f"The adapter's {name} has a number that is not finite.", "It is damaged.")


def _finite(tensor: NDArray[Any]) -> bool:
    # A finite sum of squares proves it in a third of the time; it may overflow where numbers are huge.
    flat = tensor.reshape(-1)
    return bool(np.isfinite(np.vdot(flat, flat)) or np.isfinite(tensor).all())


Floats = NDArray[np.float32]
_NAME = "default"


class Slot:
    """A place for one adapter in a base.

    A base has one slot; make no second one while the first holds an adapter.

    :ivar base: the base.
    """

    def __init__(self, base: Base) -> None:
        self.base = base
        self._linear = linear_layers(base)
        self._spec: LoraSpec | None = None
        self._names: tuple[str, ...] = ()
        self._peft: PeftModel | None = None
        self._layers: list[Any] = []
        self._dropouts: list[torch.nn.Module] = []
        self._parameters: dict[str, torch.nn.Parameter] = {}
        self._views: dict[str, tuple[int, Floats]] = {}
        self._active = False
        self._resolved: dict[LoraSpec, tuple[tuple[str, ...], Shapes]] = {}

    @property
    def spec(self) -> LoraSpec | None:
        """The shape of the adapter that is in, or None when the base answers alone."""
        return self._spec if self._active else None

    def targets(self, spec: LoraSpec) -> tuple[str, ...]:
        """Full names of the layers that an adapter of this shape sits on, sorted.

        :raises MismatchError: if the base has no such layers.
        """
        return self._resolve(spec)[0]

    def shapes(self, spec: LoraSpec) -> Shapes:
        """Name and shape of every tensor of an adapter of this shape.

        :raises MismatchError: if the base has no such layers.
        """
        return self._resolve(spec)[1]

    def copy_in(self, tensors: Mapping[str, NDArray[np.generic]], spec: LoraSpec) -> None:
        """Replace every tensor of the slot by these, in PEFT's names, and answer with them from now on.

        Everything is checked before anything is changed; after an error the slot is as it was before.

        :raises MismatchError: if a tensor is missing, unexpected, of another shape, or not finite.
        """
        names, shapes = self._resolve(spec)
        check_adapter(tensors, shapes)
        self._shape(spec, names)
        self.freeze()
        with torch.no_grad():
            for name, parameter in self._parameters.items():
                view = self._view(name, parameter)
                if view is not None:
                    np.copyto(view, tensors[name], casting="same_kind")
                else:
                    parameter.copy_(torch.tensor(tensors[name]))
        self._enable(True)

    def start_fresh(self, spec: LoraSpec, seed: int) -> None:
        """Put a new adapter in that changes nothing yet: A is Kaiming-uniform, B zero, as PEFT does it.

        The numbers come from the seed and each tensor's place alone, not from torch's global state.

        :raises MismatchError: if the base has no such layers.
        """
        shapes = self._resolve(spec)[1]
        chance = torch.Generator().manual_seed(seed)
        fresh: dict[str, NDArray[np.generic]] = {}
        for name in sorted(shapes):
            shape = shapes[name]
            if name.endswith("lora_A.weight"):
                # kaiming_uniform_ with a = sqrt(5): the bound is 1 / sqrt(fan_in).
                bound = 1.0 / math.sqrt(shape[1])
                fresh[name] = ((torch.rand(shape, generator=chance) * 2 - 1) * bound).numpy()
            else:
                fresh[name] = np.zeros(shape, dtype=np.float32)
        self.copy_in(fresh, spec)

    def clear(self) -> None:
        """Let the base answer alone, exactly as without a slot; what was in is forgotten at the next copy."""
        self.freeze()
        self._enable(False)

    def read_out(self) -> dict[str, Floats]:
        """A copy of the adapter's tensors under PEFT's names, float32.

        :raises MismatchError: if no adapter is in.
        """
        if not self._active:
            raise MismatchError("The slot holds no adapter.", "Copy one in, or start a fresh one.")
        return {
            name: self._parameters[name].detach().float().cpu().numpy().copy()
            for name in sorted(self._parameters)
        }

    def trainable(self) -> list[torch.nn.Parameter]:
        """Switch gradients and dropout on for the adapter, and give its parameters in order of their names.

        The base stays in eval mode. `freeze`, `copy_in` and `clear` switch both off again.

        :raises MismatchError: if no adapter is in, or a parameter of the base requires gradients.
        """
        if not self._active:
            raise MismatchError("The slot holds no adapter to train.", "Copy one in, or start a fresh one.")
        for parameter in self._parameters.values():
            parameter.requires_grad_(True)
        for dropout in self._dropouts:
            dropout.train()
        own = {id(parameter) for parameter in self._parameters.values()}
        strays = [n for n, p in self.base.whole.named_parameters() if p.requires_grad and id(p) not in own]
        if strays:
            raise MismatchError(
                f"{len(strays)} parameters of the base require gradients, such as {strays[0]}.",
                "Load the base again; it must stay frozen.",
            )
        return [self._parameters[name] for name in sorted(self._parameters)]

    def named_parameters(self) -> dict[str, torch.nn.Parameter]:
        """The adapter's parameters by their names in PEFT's files, sorted."""
        return {name: self._parameters[name] for name in sorted(self._parameters)}

    def freeze(self) -> None:
        """Switch gradients and dropout off."""
        for parameter in self._parameters.values():
            if parameter.requires_grad or parameter.grad is not None:
                parameter.requires_grad_(False)
                parameter.grad = None
        for dropout in self._dropouts:
            if dropout.training:
                dropout.eval()

    def remove(self) -> None:
        """Take the LoRA layers out of the model again."""
        if self._peft is not None:
            self._peft.unload()
        self._peft, self._spec, self._names = None, None, ()
        self._layers, self._dropouts, self._parameters, self._views = [], [], {}, {}
        self._active = False

    def _resolve(self, spec: LoraSpec) -> tuple[tuple[str, ...], Shapes]:
        if spec not in self._resolved:
            names = adapted(self.base, self._linear, spec)
            self._resolved[spec] = names, tensor_shapes(self._linear, names, spec.r)
        return self._resolved[spec]

    def _shape(self, spec: LoraSpec, names: tuple[str, ...]) -> None:
        """Have LoRA layers of this shape in the model; a stack of one recipe comes here once."""
        now = self._spec
        if now is not None and names == self._names and _strength(now) == _strength(spec):
            return
        self.remove()
        config = LoraConfig(
            r=spec.r,
            lora_alpha=spec.alpha,
            lora_dropout=spec.dropout,
            use_rslora=spec.rslora,
            target_modules="|".join(re.escape(name) for name in names),
            inference_mode=False,
        )
        with quiet():
            self._peft = get_peft_model(self.base.whole, config, adapter_name=_NAME)
        self.base.whole.eval()
        self._spec, self._names, self._active = spec, names, True
        for name, module in self.base.whole.named_modules():
            if isinstance(module, LoraLayer):
                self._layers.append(module)
                self._dropouts.append(module.lora_dropout)
                self._parameters[f"{PREFIX}{name}.lora_A.weight"] = module.lora_A[_NAME].weight
                self._parameters[f"{PREFIX}{name}.lora_B.weight"] = module.lora_B[_NAME].weight

    def _view(self, name: str, parameter: torch.nn.Parameter) -> Floats | None:
        """A parameter's memory as an array, which is several times faster to copy into; None on a GPU.

        Views are kept, and made anew when somebody gave the parameter other memory.
        """
        place = parameter.data_ptr()
        known = self._views.get(name)
        if known is not None and known[0] == place:
            return known[1]
        if parameter.device.type != "cpu" or parameter.dtype != torch.float32:
            return None
        view: Floats = parameter.detach().numpy()
        self._views[name] = place, view
        return view

    def _enable(self, active: bool) -> None:
        if active == self._active:
            return
        for layer in self._layers:
            # Enabling also switches gradients on, which `freeze` takes back.
            layer.enable_adapters(active)
        self._active = active and bool(self._layers)
        self.freeze()


def _strength(spec: LoraSpec) -> tuple[int, int, float, bool]:
    return spec.r, spec.alpha, spec.dropout, spec.rslora


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
