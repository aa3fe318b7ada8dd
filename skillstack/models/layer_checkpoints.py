"""Gradient checkpointing over adapted layers: their inner states are computed again instead of kept.

After Chen et al. 2016 (https://arxiv.org/abs/1604.06174), in torch's non-reentrant form. The library's own
switch works in training mode alone, and a base stays in eval mode here; layers below the lowest adapted one
have no gradients, so nothing of theirs is kept anyway.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.utils.checkpoint import checkpoint

from skillstack.models.architecture import layers_path
from skillstack.models.base import Base


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
