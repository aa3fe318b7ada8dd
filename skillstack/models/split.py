"""A base in two parts: the layers below the lowest adapted one, whose states can be kept, and the rest.

Both parts are shallow copies of the model that share all its tensors and layers; an adapter that is put
into the model is in them too. The split is checked on a few tokens when it is made, so an architecture
whose parts do not add up to the whole is refused instead of computing something else.

Gradient checkpointing over the upper part computes its inner states again instead of keeping them. After
Chen et al. 2016 (https://arxiv.org/abs/1604.06174), in torch's non-reentrant form. The library's own
switch works in training mode alone, and a base stays in eval mode here; layers below the lowest adapted
one have no gradients, so nothing of theirs is kept anyway.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from skillstack.errors import MismatchError, UsageError
from skillstack.models.base import Base
from skillstack.models.encoding import TokenBatch
from skillstack.models.identity import layers_path


@contextmanager
def layer_checkpoints(base: Base, first_layer: int, *, wanted: bool = True) -> Iterator[None]:
    """Checkpoint a base's layers from one on while this is open; without gradients nothing changes.

    :param first_layer: the lowest adapted layer.
    :raises MismatchError: if the layers of this architecture are not found.
    """
    if not wanted:
        yield
        return
    layers = list(base.model.get_submodule(layers_path(base.model, base.layers)).children())[first_layer:]
    before = [vars(layer).get("forward") for layer in layers]
    for layer in layers:
        layer.forward = _checkpointed(layer.forward)
    try:
        yield
    finally:
        for layer, own in zip(layers, before, strict=True):
            if own is None:
                del layer.forward
            else:
                layer.forward = own


def parameters_of(base: Base) -> int:
    """How many parameters a base has; four-bit ones count as what they stand for."""
    return sum(
        2 * parameter.numel() if getattr(parameter, "quant_state", None) is not None else parameter.numel()
        for parameter in base.whole.parameters()
    )


def _checkpointed(forward: Callable[..., Any]) -> Callable[..., Any]:
    def run(*places: Any, **names: Any) -> Any:
        if not torch.is_grad_enabled():
            return forward(*places, **names)
        # Dropout draws the same numbers the second time: the state of chance is kept and restored.
        return checkpoint(forward, *places, use_reentrant=False, preserve_rng_state=True, **names)

    return run


#: Largest difference of a split's states to the whole model's, relative to the largest state.
_TOLERANCE = {torch.float32: 1e-4, torch.float16: 2e-2, torch.bfloat16: 5e-2}


class _PassEmbeddings(nn.Module):
    """Stands where an encoder embeds its tokens, and hands through what comes from below."""

    def forward(self, *places: object, **names: object) -> torch.Tensor:
        # Some models pass their embeddings by name, some by place; token and position ids are whole numbers.
        for value in (*names.values(), *places):
            if isinstance(value, torch.Tensor) and value.is_floating_point():
                return value
        raise TypeError("no embeddings were passed")


class SplitModel:
    """A base cut below one layer.

    :ivar base: the base.
    :ivar first_adapted_layer: how many layers the lower part has; 0 means no split.
    """

    def __init__(self, base: Base, first_adapted_layer: int) -> None:
        """Cut a base.

        :raises UsageError: if there is no such layer.
        :raises MismatchError: if this architecture cannot be cut; 0 works with any.
        """
        if not 0 <= first_adapted_layer <= base.layers:
            raise UsageError(
                f"{base.identity.name} has {base.layers} layers; it cannot be cut below layer "
                f"{first_adapted_layer}.",
                f"Choose 0 to {base.layers}.",
            )
        self.base = base
        self.first_adapted_layer = first_adapted_layer
        self._decoder = base.kind == "decoder"
        if first_adapted_layer:
            try:
                self._lower, self._upper = self._parts()
                difference = self._difference()
            except MismatchError:
                raise
            except Exception as error:
                # Whatever an unknown architecture does when it is cut, the advice is the same.
                raise self._unsupported(type(error).__name__) from error
            if not difference <= _TOLERANCE.get(base.dtype, 5e-2):
                raise self._unsupported(f"off by {difference:.2g}")

    @property
    def splits(self) -> bool:
        """Whether there is a lower part whose states can be kept."""
        return self.first_adapted_layer > 0

    @torch.no_grad()
    def lower(self, batch: TokenBatch) -> torch.Tensor:
        """Hidden states ``[rows, tokens, hidden_size]`` below the first adapted layer, without gradients.

        :raises UsageError: if there is no split.
        """
        self._need_split()
        return self._states(self._lower, batch.inputs())

    def upper(self, hidden: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Last hidden states ``[rows, tokens, hidden_size]`` from those that `lower` gave.

        :raises UsageError: if there is no split.
        """
        self._need_split()
        return self._states(self._upper, {"inputs_embeds": hidden, "attention_mask": attention_mask})

    def whole(self, batch: TokenBatch) -> torch.Tensor:
        """Last hidden states ``[rows, tokens, hidden_size]`` of the uncut model."""
        return self._states(self.base.model, batch.inputs())

    def _states(self, model: nn.Module, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
        options = {"use_cache": False} if self._decoder else {}
        states: torch.Tensor = model(**inputs, **options).last_hidden_state
        return states

    def _parts(self) -> tuple[nn.Module, nn.Module]:
        model, k = self.base.model, self.first_adapted_layer
        path = layers_path(model, self.base.layers)
        lower = _with_layers(model, path, slice(0, k))
        upper = _with_layers(model, path, slice(k, None))
        for part in (lower, upper):
            if isinstance(part._modules.get("pooler"), nn.Module):
                part._modules["pooler"] = None
        if self._decoder:
            norms = [name for name in ("norm", "final_layernorm", "ln_f") if name in lower._modules]
            if len(norms) != 1:
                raise self._unsupported("no final norm")
            lower._modules[norms[0]] = nn.Identity()
        elif "embeddings" in upper._modules:
            upper._modules["embeddings"] = _PassEmbeddings()
            # ELECTRA widens its embeddings before the first layer; ModernBERT has a norm behind the last one.
            for part, name in ((upper, "embeddings_project"), (lower, "final_norm")):
                if name in part._modules:
                    part._modules[name] = nn.Identity()
        else:
            raise self._unsupported("no embeddings")
        return lower, upper

    @torch.no_grad()
    def _difference(self) -> float:
        device = self.base.device
        ids = torch.tensor([[5, 11, 7, 23, 2, 9], [4, 8, 6, 3, 0, 0]], device=device)
        mask = torch.tensor([[1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 0, 0]], device=device)
        types = None
        if "token_type_ids" in self.base.tokenizer.model_input_names and not self._decoder:
            types = torch.zeros_like(ids)
        batch = TokenBatch(ids, mask, types)
        whole = self.whole(batch).float()
        parts = self.upper(self.lower(batch), mask).float()
        return float(((whole - parts).abs()[mask.bool()].max() / whole[mask.bool()].abs().max()).item())

    def _need_split(self) -> None:
        if not self.splits:
            raise UsageError("This model is not cut, so it has no parts.", "Use the whole model's states.")

    def _unsupported(self, why: str) -> MismatchError:
        return MismatchError(
            f"Models of type {self.base.identity.architecture!r} cannot be cut in two ({why}).",
            "Adapt all layers (first layer 0), which works without a cut.",
        )


def _with_layers(model: nn.Module, path: str, part: slice) -> nn.Module:
    """A shallow copy of a model with some of its layers; only the modules on the path are new."""
    *parents, name = path.split(".")
    top = here = _shallow(model)
    for parent in parents:
        child = _shallow(here.get_submodule(parent))
        here._modules[parent] = child
        here = child
    layers = list(model.get_submodule(path).children())[part]
    here._modules[name] = nn.ModuleList(layers)
    config: Any = copy.copy(model.config)
    config.num_hidden_layers = len(layers)
    kinds = getattr(config, "layer_types", None)
    if kinds:
        config.layer_types = list(kinds)[part]
    for module in (top, here):
        if hasattr(module, "config"):
            module.config = config
    return top


def _shallow(module: nn.Module) -> nn.Module:
    # copy.copy would share the dict of submodules with the original.
    clone = module.__class__.__new__(module.__class__)
    clone.__dict__ = dict(module.__dict__)
    clone._modules = dict(module._modules)
    # A forward that another library bound to the original would run the original.
    clone.__dict__.pop("forward", None)
    return clone
