"""Loading a base in one of four precisions, from local files and safetensors alone; its kernels and device.

On some processors the frozen linear layers go through oneDNN. torch multiplies float32 matrices with MKL,
which has AVX-512 code for Intel's processors alone; on others it computes at less than half of what the
processor can do. oneDNN, which torch carries too, asks only what the processor understands. Its operator
is the one that torch's own compiler calls for linear layers.
"""

from __future__ import annotations

import os
import platform
from functools import cache
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors import SafetensorError
from torch import nn
from torch.autograd.function import once_differentiable
from torch.nn import functional
from transformers import AutoConfig, AutoModel, AutoModelForCausalLM, AutoTokenizer

from skillstack.errors import MismatchError, MissingError, UsageError
from skillstack.hub import quiet
from skillstack.models import devices, sources
from skillstack.models.base import Base, Kind
from skillstack.models.computation import check_builtin, check_weights, settings_of
from skillstack.models.identity import check_device, kind_of, tokenizer_fingerprint, weights_fingerprint
from skillstack.process_lock import is_forked
from skillstack.store.records import BaseIdentity

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


Precision = Literal["fp32", "bf16", "fp16", "nf4"]
PRECISIONS: tuple[Precision, ...] = ("fp32", "bf16", "fp16", "nf4")
_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def load_base(
    name: str = sources.DEFAULT, *, precision: str = "fp32", device: str = "auto", revision: str = ""
) -> Base:
    """Load a base: frozen, in eval mode, with scaled-dot-product attention where its architecture has it.

    :param name: ``minilm``, ``smollm2``, a folder, or a model of the hub: ``owner/model`` or
        ``owner/model@revision``.
    :param precision: ``fp32``, ``bf16``, ``fp16``, or ``nf4`` (4 bits, double quantisation, through
        bitsandbytes; Dettmers et al. 2023, https://arxiv.org/abs/2305.14314).
    :param device: ``auto``, ``cpu`` or ``cuda``.
    :param revision: commit of a model of the hub, where a record says it and the name does not.
    :raises UsageError: if name, precision or device cannot be meant.
    :raises MissingError: if model, package or device are not here.
    :raises MismatchError: if the model is of a kind that is not supported, or its configuration asks for
        other weights than it has.
    :raises IntegrityError: if its files are damaged.
    """
    if precision not in PRECISIONS:
        raise UsageError(f"There is no precision {precision!r}.", f"Known: {', '.join(PRECISIONS)}.")
    place = pick_device(device)
    compute_alone_where_forked()
    source = sources.find(name, revision)
    with quiet():
        config, kind = _config(source.folder)
        tokenizer = _tokenizer(source.folder)
        # Before the weights are loaded: it says which file is damaged.
        weights = source.weights or weights_fingerprint(source.folder)
        settings = settings_of(config)
        check_builtin(weights, settings, source.folder)
        whole = _model(source.folder, kind, precision, place)
    for parameter in whole.parameters():
        parameter.requires_grad_(False)
    whole.eval()
    use_fast_kernels(whole)
    identity = BaseIdentity(
        weights=weights,
        tokenizer=tokenizer_fingerprint(tokenizer, pairs=kind == "encoder"),
        architecture=str(config.model_type),
        hidden_size=int(config.hidden_size),
        layers=int(config.num_hidden_layers),
        name=source.name,
        revision=source.revision,
    )
    model = whole if kind == "encoder" else whole.base_model
    if not isinstance(model, nn.Module):
        raise MismatchError(f"{type(whole).__name__} has no base model.", "Use a llama or a relative of it.")
    return Base(identity, kind, tokenizer, model, whole, place, precision, settings, source.packaged)


def compute_alone_where_forked() -> None:
    """In a forked process, have torch compute in the calling thread alone.

    The threads that torch started before the fork are not in this process, and work that is shared out to
    them would wait for ever. Each thread has a number of its own, so each that computes has to ask for it.
    """
    if is_forked():
        torch.set_num_threads(1)


def pick_device(device: str) -> torch.device:
    """``auto`` is CUDA where it is there.

    :raises UsageError: if the name is unknown, or the process was forked from one that used CUDA.
    :raises MissingError: if CUDA is asked for and absent.
    """
    # Torch calls a fork bad as soon as its parent has counted devices, which may have been none.
    used = device == "cuda" or torch.cuda._initialized
    if check_device(device) != "cpu" and used and torch.cuda._is_in_bad_fork():
        raise UsageError(
            "CUDA cannot be used in a process that was forked from one that uses it.",
            "Start processes by multiprocessing's spawn, or use the device cpu.",
        )
    if device == "cuda" and not torch.cuda.is_available():
        raise MissingError(
            "CUDA was asked for, and no CUDA device is here.",
            "Use --device cpu, or install a driver and a torch build with CUDA.",
        )
    if device == "cpu" or not torch.cuda.is_available():
        return torch.device("cpu")
    # Started by `accelerate launch` or torchrun, each process of a machine has a GPU of its own.
    place = int(os.environ.get("LOCAL_RANK", "0"))
    if place >= torch.cuda.device_count():
        raise MissingError(
            f"There are more processes than the {torch.cuda.device_count()} GPUs of this machine.",
            "Start as many as there are GPUs, or use --device cpu.",
        )
    return torch.device("cuda", place) if "LOCAL_RANK" in os.environ else torch.device("cuda")


def _config(folder: Path) -> tuple[Any, Kind]:
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (ValueError, KeyError, OSError) as error:
        raise MismatchError(
            f"The model in {folder} is of a type that transformers does not know ({_first(error)}).",
            "Models that bring their own code are never run; use a native one.",
        ) from None
    return config, kind_of(config)


def _tokenizer(folder: Path) -> Any:
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (ValueError, KeyError, OSError) as error:
        raise MissingError(
            f"The model in {folder} has no tokenizer that can be read ({_first(error)}).",
            "Save the tokenizer beside the model.",
        ) from None
    if not tokenizer.is_fast:
        raise MissingError(
            f"The model in {folder} has no tokenizer.json.", "Save a fast tokenizer beside the model."
        )
    return tokenizer


def _model(folder: Path, kind: Kind, precision: str, device: torch.device) -> Any:
    auto = AutoModel if kind == "encoder" else AutoModelForCausalLM
    options: dict[str, Any] = {
        "local_files_only": True,
        "trust_remote_code": False,
        "use_safetensors": True,
        "attn_implementation": "sdpa",
        "output_loading_info": True,
    }
    if precision == "nf4":
        options |= _nf4(device)
    else:
        options["dtype"] = _DTYPES[precision]
    try:
        try:
            model, info = auto.from_pretrained(folder, **options)
        except ValueError as error:
            # MPNet and DeBERTa have attention of their own.
            if "scaled_dot_product_attention" not in str(error):
                raise
            model, info = auto.from_pretrained(folder, **options | {"attn_implementation": "eager"})
    except (OSError, ValueError, RuntimeError, KeyError, SafetensorError) as error:
        if isinstance(error, torch.OutOfMemoryError):
            raise MissingError(
                "The GPU has too little memory for this model.", "Use --precision nf4, or a smaller model."
            ) from None
        raise MissingError(
            f"The model in {folder} cannot be loaded: {_first(error)}.",
            "Check that config.json and model.safetensors belong together.",
        ) from None
    check_weights(model, info, folder)
    if precision != "nf4":
        return model.to(device)
    _keep_exact(model)
    return model


def _nf4(device: torch.device) -> dict[str, Any]:
    try:
        import bitsandbytes  # noqa: F401
        from transformers import BitsAndBytesConfig
    except ImportError:
        raise MissingError(
            "NF4 needs the package bitsandbytes.", "Run: pip install 'skillstack[gpu]'"
        ) from None
    compute = _DTYPES[devices.arithmetic_for(devices.describe(device)).value]
    return {
        "dtype": compute,
        "device_map": {"": str(device)},
        "quantization_config": BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=compute,
        ),
    }


def _keep_exact(model: nn.Module) -> None:
    """Keep four-bit layers on a CPU in the format that they were quantised to.

    On CPUs with AVX512-BF16 bitsandbytes repacks a layer for good when it first runs without gradients:
    scales are rounded to bfloat16, products are computed in it, and gradients no longer pass. Answers would
    then depend on the machine and on what ran before.
    """
    for module in model.modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            setattr(module, "support_avx512bf16_for_cpu", False)  # noqa: B010 - modules declare no attributes


def _first(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__)[:200].rstrip(".")
