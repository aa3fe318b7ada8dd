"""PEFT's ``adapter_config.json``, written so that equal adapters give equal bytes, and read with checks.

Plain PEFT loads what is written here. There is no path, clock or library version in it, and lists are sorted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skillstack.errors import IntegrityError, MismatchError, SkillStackError
from skillstack.models.lora import LoraSpec
from skillstack.store.tensors import dump as dump_tensors

#: Settings that change what an adapter computes and that only these values of are understood.
_ONLY: dict[str, tuple[Any, ...]] = {
    "peft_type": ("LORA",),
    "bias": ("none", None),
    "fan_in_fan_out": (False, None),
    "lora_bias": (False, None),
    "modules_to_save": (None, []),
    "rank_pattern": ({}, None),
    "alpha_pattern": ({}, None),
    "use_dora": (False, None),
    "use_qalora": (False, None),
    "layer_replication": (None,),
    "layers_to_transform": (None,),
    "exclude_modules": (None,),
    "target_parameters": (None, []),
    "trainable_token_indices": (None,),
    "megatron_config": (None,),
    "alora_invocation_tokens": (None,),
    "arrow_config": (None,),
    "corda_config": (None,),
    "eva_config": (None, {}),
}
_LAYER = re.compile(r"(?:^|\.)(?:layer|layers|h|blocks|block)\.(\d{1,4})\.(.+)$")


@dataclass(frozen=True)
class AdapterConfig:
    """What an ``adapter_config.json`` says.

    :ivar spec: the adapter's shape.
    :ivar base_name: which base it is for; a hint.
    :ivar revision: which version of that; a hint.
    """

    spec: LoraSpec
    base_name: str
    revision: str


def dump(
    spec: LoraSpec, targets: Sequence[str], *, base_name: str, revision: str = "", decoder: bool = False
) -> bytes:
    """The file's bytes.

    :param targets: full names of the adapted layers, so that any tool finds exactly them.
    :param decoder: whether it is for a causal language model, which tools that serve adapters want to know.
    """
    config = {
        "alpha_pattern": {},
        "base_model_name_or_path": base_name,
        "bias": "none",
        "fan_in_fan_out": False,
        "inference_mode": True,
        "init_lora_weights": True,
        "lora_alpha": spec.alpha,
        "lora_dropout": float(spec.dropout),
        "modules_to_save": None,
        "peft_type": "LORA",
        "r": spec.r,
        "rank_pattern": {},
        "revision": revision or None,
        "target_modules": sorted(targets),
        "task_type": "CAUSAL_LM" if decoder else None,
        "use_dora": False,
        "use_rslora": spec.rslora,
    }
    return (json.dumps(config, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode("utf-8")


def parse(data: bytes, *, what: str = "adapter_config.json") -> AdapterConfig:
    """Read the file, ours or another tool's.

    :raises IntegrityError: if it is no JSON object or a field has an impossible value.
    :raises MismatchError: if it asks for something that frames do not do.
    """
    config = json_object(data, what)
    check_plain(config, what)
    try:
        return _read(config)
    except SkillStackError as error:
        raise IntegrityError(f"{what} is wrong: {error.message}", "It is damaged.") from None
    except (KeyError, TypeError, ValueError) as error:
        raise IntegrityError(f"{what} lacks or misstates {error}.", "It is damaged.") from None


def json_object(data: bytes, what: str) -> dict[str, Any]:
    """The JSON object that a file holds.

    :raises IntegrityError: if it holds none.
    """
    try:
        found = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise IntegrityError(f"{what} is no JSON object.", "It is damaged.")
    return found


def check_plain(config: Mapping[str, Any], what: str, *, understood: Collection[str] = ()) -> None:
    """See that a configuration asks for a plain LoRA adapter.

    :param what: names the file in errors.
    :param understood: settings that the caller reads itself.
    :raises MismatchError: if it asks for something that frames do not do.
    """
    for key, allowed in _ONLY.items():
        if key in config and key not in understood and config[key] not in allowed:
            raise MismatchError(
                f"{what} sets {key} to {str(config[key])[:80]}, which frames do not do.",
                "Only plain LoRA adapters on linear layers can be frames.",
            )


def _read(config: dict[str, Any]) -> AdapterConfig:
    modules = config["target_modules"]
    if not isinstance(modules, list) or not modules or not all(isinstance(m, str) for m in modules):
        raise ValueError("target_modules, which must be a list of names")
    layers = [_LAYER.search(module) for module in modules]
    # Another tool's list has the ends of names alone and means every layer.
    first = min((int(m[1]) for m in layers if m is not None), default=0) if all(layers) else 0
    targets = {m[2] if m is not None else module for m, module in zip(layers, modules, strict=True)}
    return AdapterConfig(
        LoraSpec(
            r=_whole(config, "r"),
            alpha=_whole(config, "lora_alpha"),
            dropout=_share(config.get("lora_dropout", 0.0)),
            targets=tuple(sorted(targets)),
            first_layer=first,
            rslora=config.get("use_rslora") is True,
        ),
        base_name=str(config.get("base_model_name_or_path") or ""),
        revision=str(config.get("revision") or ""),
    )


def _whole(config: dict[str, Any], key: str) -> int:
    value = config[key]
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != int(value):
        raise ValueError(f"{key}, which must be a whole number")
    return int(value)


def _share(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError("lora_dropout, which must be a number")
    return float(value)


def tensors_bytes(tensors: Mapping[str, NDArray[np.generic]]) -> bytes:
    """The bytes of ``adapter_model.safetensors``, with the one metadata key that PEFT's own files carry."""
    return dump_tensors(tensors, {"format": "pt"})
