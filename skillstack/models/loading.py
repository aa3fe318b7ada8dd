"""Loading a base in one of four precisions, from local files and safetensors alone."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn
from transformers import AutoConfig, AutoModel, AutoModelForCausalLM, AutoTokenizer

from skillstack.errors import MismatchError, MissingError, UsageError
from skillstack.frames.records import BaseIdentity
from skillstack.models import devices, sources
from skillstack.models.architecture import kind_of
from skillstack.models.base import Base, Kind
from skillstack.models.identity import tokenizer_fingerprint, weights_fingerprint
from skillstack.models.kernels import use_fast_kernels
from skillstack.models.named import check_device
from skillstack.models.quiet import quiet

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
    :raises MismatchError: if the model is of a kind that is not supported.
    :raises IntegrityError: if its files are damaged.
    """
    if precision not in PRECISIONS:
        raise UsageError(f"There is no precision {precision!r}.", f"Known: {', '.join(PRECISIONS)}.")
    place = pick_device(device)
    source = sources.find(name, revision)
    with quiet():
        config, kind = _config(source.folder)
        tokenizer = _tokenizer(source.folder)
        whole = _model(source.folder, kind, precision, place)
    for parameter in whole.parameters():
        parameter.requires_grad_(False)
    whole.eval()
    use_fast_kernels(whole)
    identity = BaseIdentity(
        weights=source.weights or weights_fingerprint(source.folder),
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
    return Base(identity, kind, tokenizer, model, whole, place, precision)


def pick_device(device: str) -> torch.device:
    """``auto`` is CUDA where it is there.

    :raises UsageError: if the name is unknown.
    :raises MissingError: if CUDA is asked for and absent.
    """
    if check_device(device) == "cuda" and not torch.cuda.is_available():
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
    }
    if precision == "nf4":
        options |= _nf4(device)
    else:
        options["dtype"] = _DTYPES[precision]
    try:
        try:
            model = auto.from_pretrained(folder, **options)
        except ValueError as error:
            # MPNet and DeBERTa have attention of their own.
            if "scaled_dot_product_attention" not in str(error):
                raise
            model = auto.from_pretrained(folder, **options | {"attn_implementation": "eager"})
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        if isinstance(error, torch.OutOfMemoryError):
            raise MissingError(
                "The GPU has too little memory for this model.", "Use --precision nf4, or a smaller model."
            ) from None
        raise MissingError(
            f"The model in {folder} cannot be loaded: {_first(error)}.",
            "Check that config.json and model.safetensors belong together.",
        ) from None
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
