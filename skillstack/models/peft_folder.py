"""A plain PEFT folder, read and checked as far as that is possible without a base.

Only JSON and safetensors are read. A setting that changes what an adapter computes, and that no frame has, is
refused, and so is a tensor that belongs neither to LoRA nor to a classification head.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from skillstack.errors import IntegrityError, MismatchError, MissingError, UsageError
from skillstack.models import adapter_config
from skillstack.models.slot import PREFIX, A, B

Floats = NDArray[np.float32]

CONFIG, WEIGHTS, PICKLE = "adapter_config.json", "adapter_model.safetensors", "adapter_model.bin"
#: What transformers calls the layer that gives the logits, and PEFT keeps whole in ``modules_to_save``.
HEADS = ("score", "classifier")
#: Settings that are read here, or whose values the names and shapes of the tensors tell as well.
_UNDERSTOOD = {"modules_to_save", "rank_pattern", "alpha_pattern", "layers_to_transform"}
#: Starts of an adapter that leave the base as it is. Others (PiSSA, OLoRA, LoftQ, ...) change its weights.
_PLAIN_STARTS = (True, False, None, "gaussian", "orthogonal", "eva")
_TASKS = (None, "SEQ_CLS", "CAUSAL_LM", "FEATURE_EXTRACTION")
#: Settings of PEFT that no version of this package knows: if they are set, they may change the adapter.
_VARIANTS = ("use_bdlora", "kasa_config", "lora_ga_config", "monteclora_config", "velora_config")
_MAX_JSON = 16 << 20


@dataclass(frozen=True, eq=False)
class PeftFolder:
    """What a folder holds, before it meets a base.

    :ivar path: the folder.
    :ivar config: its ``adapter_config.json``.
    :ivar tensors: LoRA's tensors, by the names of the file.
    :ivar head: tensors of the layer that gives the logits, such as ``score.weight``; empty without one.
    :ivar labels: label names from a ``config.json`` beside it, in the order of the logits; may be empty.
    """

    path: Path
    config: Mapping[str, Any]
    tensors: Mapping[str, Floats]
    head: Mapping[str, Floats]
    labels: tuple[str, ...]

    @property
    def base_name(self) -> str:
        """The base that the folder names; a hint, and empty where it names none."""
        return str(self.config.get("base_model_name_or_path") or "")


def read_folder(path: Path) -> PeftFolder:
    """Read a folder as ``save_pretrained`` of PEFT writes it.

    :raises UsageError: if the folder is none of PEFT's.
    :raises MissingError: if its weights are not there as safetensors.
    :raises IntegrityError: if a file is damaged, or a number is not finite.
    :raises MismatchError: if it is no plain LoRA adapter.
    """
    _check_kind(path)
    config = adapter_config.json_object(_read_json(path / CONFIG), CONFIG)
    _check_config(config)
    tensors = _read_tensors(path / WEIGHTS)
    lora = {name: tensor for name, tensor in tensors.items() if name.endswith((f".{A}", f".{B}"))}
    rest = {name: tensor for name, tensor in tensors.items() if name not in lora}
    names = {f"{PREFIX}{head}.{part}": f"{head}.{part}" for head in HEADS for part in ("weight", "bias")}
    # Larger heads, such as RoBERTa's of two layers, lie below the same names.
    head = {
        names.get(name, name.removeprefix(PREFIX)): tensor
        for name, tensor in rest.items()
        if name.startswith(tuple(f"{PREFIX}{head}." for head in HEADS))
    }
    strange = sorted(set(rest) - {f"{PREFIX}{name}" for name in head})
    if strange or not lora:
        what = f"holds a tensor {strange[0][:120]!r}" if strange else "holds no LoRA tensors"
        raise MismatchError(
            f"{WEIGHTS} {what}.",
            "Only plain LoRA adapters on linear layers, and their heads, can be imported.",
        )
    return PeftFolder(path, config, lora, head, _labels(path / "config.json"))


def _check_kind(path: Path) -> None:
    what = "`skillstack import` takes a file that `skillstack export` wrote, or a PEFT adapter folder."
    if (path / CONFIG).is_file():
        if (path / WEIGHTS).is_file():
            return
        if (path / PICKLE).is_file():
            raise MissingError(
                f"{path} holds its weights as {PICKLE}, a pickle, which is never loaded.",
                "Save it again as safetensors: load it with PEFT and call save_pretrained(FOLDER).",
            )
        raise MissingError(f"{path} has no {WEIGHTS}.", "Copy the whole folder that PEFT wrote.")
    if (path / "store.json").is_file() or (path / "frames" / "store.json").is_file():
        raise UsageError(
            f"{path} is a store of SkillStack, no PEFT folder.",
            "Open it with --store, or carry one of its stacks over with `skillstack export`.",
        )
    if (path / "frames.json").is_file() and (path / "adapters").is_dir():
        raise UsageError(
            f"{path} holds several PEFT folders.", "Name one of them: a folder in seq_cls/ or adapters/."
        )
    if (path / "config.json").is_file():
        raise UsageError(
            f"{path} is a model, no adapter.", "Models are bases: name it with --model, and an adapter here."
        )
    raise UsageError(f"{path} has no {CONFIG}, so it is no PEFT folder.", what)


def _read_json(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_JSON + 1)
    except OSError as error:
        raise MissingError(f"Cannot read {path}: {error.strerror}.", "Check the file.") from None
    if len(data) > _MAX_JSON:
        raise IntegrityError(f"{path} is larger than {_MAX_JSON:,} bytes.", "It is damaged.")
    return data


def _check_config(config: Mapping[str, Any]) -> None:
    """Refuse what changes an adapter's sums and what no frame can be."""
    if config.get("peft_type") != "LORA":
        raise MismatchError(
            f"{CONFIG} describes a {str(config.get('peft_type'))[:40]} adapter.", "Only LoRA can be imported."
        )
    adapter_config.check_plain(config, CONFIG, understood=_UNDERSTOOD)
    wrong = next((key for key in _VARIANTS if config.get(key)), None)
    if wrong is None and config.get("init_lora_weights", True) not in _PLAIN_STARTS:
        wrong = "init_lora_weights"
    if wrong is not None:
        raise MismatchError(
            f"{CONFIG} sets {wrong} to {str(config[wrong])[:80]}, which frames do not do.",
            "Convert it with PEFT to a plain LoRA adapter of the unchanged base.",
        )
    if config.get("task_type") not in _TASKS:
        raise MismatchError(
            f"The adapter was trained for {str(config['task_type'])[:40]}, which is no kind of skill.",
            "Sequence classifiers, causal language models and feature extractors can be imported.",
        )
    saved = config.get("modules_to_save") or []
    if not isinstance(saved, list) or set(map(str, saved)) - set(HEADS):
        raise MismatchError(
            f"{CONFIG} saves whole layers beside the adapter: {str(saved)[:80]}.",
            f"Only a classification head can be: {' or '.join(HEADS)}.",
        )
    targets = config.get("target_modules")
    if not isinstance(targets, list) or not targets or not all(isinstance(name, str) for name in targets):
        raise MismatchError(
            f"{CONFIG} gives target_modules as {str(targets)[:80]!r}, not as a list of names.",
            "Write the names of the adapted layers there, such as ['q_proj', 'v_proj'].",
        )


def _read_tensors(path: Path) -> dict[str, Floats]:
    """All tensors as float32, which holds every number of the narrower formats exactly."""
    found: dict[str, Floats] = {}
    try:
        with safe_open(path, framework="pt") as file:
            for name in file.keys():  # noqa: SIM118 - no mapping
                if len(file.get_slice(name).get_shape()) > 2:
                    raise MismatchError(
                        f"{WEIGHTS} holds {name[:120]!r}, which is no matrix.",
                        "Only LoRA on linear layers can be imported.",
                    )
                tensor = file.get_tensor(name)
                if not tensor.is_floating_point():
                    raise MismatchError(
                        f"{WEIGHTS} holds {name[:120]!r} as {tensor.dtype}, not as floats.",
                        "Save the adapter unquantised.",
                    )
                found[name] = tensor.to(torch.float32).numpy()
    except (SafetensorError, OSError) as error:
        raise IntegrityError(f"{path} is no whole safetensors file: {error}.", "Copy it again.") from None
    wrong = next((name for name, tensor in found.items() if not np.isfinite(tensor).all()), None)
    if wrong is not None:
        raise IntegrityError(
            f"{WEIGHTS} has a number in {wrong[:120]!r} that is not finite.",
            "The training diverged, or the file is damaged: take an earlier checkpoint.",
        )
    return found


def _labels(path: Path) -> tuple[str, ...]:
    """Label names of a model's configuration; none where it only numbers them."""
    if not path.is_file():
        return ()
    config = adapter_config.json_object(_read_json(path), path.name)
    if config.get("problem_type") not in (None, "single_label_classification"):
        raise MismatchError(
            f"config.json says {str(config['problem_type'])[:40]}, which is no kind of skill.",
            "Only classifiers that give each text one label can be imported.",
        )
    names = config.get("id2label")
    if not isinstance(names, dict) or set(names) != {str(place) for place in range(len(names))}:
        return ()
    found = tuple(str(names[str(place)]) for place in range(len(names)))
    return () if found == tuple(f"LABEL_{place}" for place in range(len(found))) else found
