"""Linear layers of a frozen base through oneDNN, on processors for which MKL keeps slow code.

torch multiplies float32 matrices with MKL, which has AVX-512 code for Intel's processors alone; on others it
computes at less than half of what the processor can do. oneDNN, which torch carries too, asks only what the
processor understands. Its operator is the one that torch's own compiler calls for linear layers.
"""

from __future__ import annotations

import platform
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

#: Largest difference between the two, relative to the largest number, at which oneDNN's is trusted.
_TOLERANCE = 1e-4


class OneDnnLinear(nn.Linear):
    """A frozen float32 linear layer on a CPU; anything else goes the usual way."""

    @classmethod
    def over(cls, linear: nn.Linear) -> OneDnnLinear:
        """The same layer, with the same parameters."""
        made = cls(linear.in_features, linear.out_features, bias=linear.bias is not None, device="meta")
        made.weight, made.bias = linear.weight, linear.bias
        return made.train(linear.training)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """``[..., in_features]`` to ``[..., out_features]``."""
        weight, bias = self.weight, self.bias
        plain = (
            input.dtype == weight.dtype == torch.float32 and input.device.type == weight.device.type == "cpu"
        )
        learns = weight.requires_grad or (bias is not None and bias.requires_grad)
        if not plain or learns or not input.numel() or torch.is_autocast_enabled("cpu"):
            return functional.linear(input, weight, bias)
        if input.requires_grad and torch.is_grad_enabled():
            passed: torch.Tensor = _Frozen.apply(input, weight, bias)  # type: ignore[no-untyped-call]
            return passed
        return _linear(input, weight, bias)


class _Frozen(torch.autograd.Function):
    """Gradients pass through to the input; the layer has none of its own."""

    @staticmethod
    def forward(
        ctx: Any, input: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None
    ) -> torch.Tensor:
        ctx.save_for_backward(weight)
        return _linear(input, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        (weight,) = ctx.saved_tensors
        return _linear(gradients[0], weight.t(), None), None, None


def use_fast_kernels(model: nn.Module) -> int:
    """Have a frozen model's linear layers computed by oneDNN where that is the faster library.

    Parameters, their names and the kinds of layers stay what they are, so adapters, fingerprints and saving
    see no difference. The choice follows from machine and torch alone, so that equal ids can be promised.

    :returns: how many layers it concerns; 0 where MKL is as fast, or oneDNN is not there or not right.
    """
    if not onednn_is_faster():
        return 0
    layers = [
        (name, module)
        for name, module in model.named_modules()
        if type(module) is nn.Linear
        and module.weight.dtype == torch.float32
        and module.weight.device.type == "cpu"
    ]
    for name, module in layers:
        model.set_submodule(name, OneDnnLinear.over(module))
    return len(layers)


@cache
def onednn_is_faster() -> bool:
    """Whether torch multiplies with MKL, the processor is not Intel's, and oneDNN gives the same."""
    mkl, onednn = torch.backends.mkl, torch.backends.mkldnn
    if not (mkl.is_available() and onednn.is_available()):  # type: ignore[no-untyped-call]
        return False
    return "intel" not in _processor().lower() and _is_right()


def _is_right() -> bool:
    chance = torch.Generator().manual_seed(0)
    rows, weight, bias = (torch.randn(shape, generator=chance) for shape in ((3, 5, 64), (48, 64), (48,)))
    try:
        found = _linear(rows, weight, bias), _linear(found_gradient := torch.ones(3, 5, 48), weight.t(), None)
    except (AttributeError, RuntimeError, TypeError):
        return False  # an operator of torch's own, which another version may name or call otherwise
    wanted = functional.linear(rows, weight, bias), found_gradient @ weight
    return all(
        one.shape == other.shape and bool((one - other).abs().max() <= _TOLERANCE * other.abs().max())
        for one, other in zip(found, wanted, strict=True)
    )


def _linear(input: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
    made: torch.Tensor = torch.ops.mkldnn._linear_pointwise(input, weight, bias, "none", [], "")
    return made


def _processor() -> str:
    """Who made the processor; empty where the system does not say."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor()
    return next((line for line in lines if line.startswith("vendor_id")), "")
