"""What is known of a base before it is loaded: its shape, its size, and whether it has to be downloaded."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

from skillstack.errors import SkillStackError
from skillstack.hub import cache_dir, is_offline
from skillstack.models import sources
from skillstack.models.identity import kind_of
from skillstack.models.sources import DEFAULT

#: Seconds that the hub has to answer a question about a model.
PATIENCE = 3.0
_MAX_HEADER = 100 << 20


@dataclass(frozen=True)
class BaseFacts:
    """What is known of a base; a number is 0 where it is unknown.

    :ivar name: as a person gave it.
    :ivar calls_itself: its name in records.
    :ivar kind: ``encoder`` or ``decoder``; empty where that is unknown.
    :ivar parameters: of all of it.
    :ivar hidden: width of a hidden state.
    :ivar inner: width inside the feed-forward layers.
    :ivar keys: width of all keys together, smaller than ``hidden`` where heads share them.
    :ivar download: bytes that have to come from the hub; 0 if it is here, None if that is unknown.
    :ivar disk: bytes that making it ready takes on this disk, download included.
    :ivar gated: whether the hub gives it only to those who accepted its terms.
    :ivar trouble: why it cannot be had, as far as that is known.
    """

    name: str
    calls_itself: str
    kind: Literal["", "encoder", "decoder"]
    parameters: int = 0
    hidden: int = 0
    layers: int = 0
    inner: int = 0
    keys: int = 0
    vocabulary: int = 0
    download: int | None = 0
    disk: int = 0
    gated: bool = False
    trouble: SkillStackError | None = None


def _known(
    name: str, kind: Literal["encoder", "decoder"], millions: float, shape: tuple[int, ...], megabytes: int
) -> BaseFacts:
    hidden, layers, inner, keys, vocabulary = shape
    return BaseFacts(
        name,
        name,
        kind,
        round(millions * 1e6),
        hidden,
        layers,
        inner,
        keys,
        vocabulary,
        download=megabytes * 1_000_000,
        disk=megabytes * 1_000_000,
        gated=name.startswith("meta-llama/"),
    )


#: Models that people ask for, from their own configurations: hidden, layers, inner, keys, vocabulary; MB.
KNOWN: dict[str, BaseFacts] = {
    facts.name: facts
    for facts in (
        _known(sources.MINILM, "encoder", 22.7, (384, 6, 1536, 384, 30522), 91),
        _known("HuggingFaceTB/SmolLM2-135M-Instruct", "decoder", 134.5, (576, 30, 1536, 192, 49152), 271),
        _known("Qwen/Qwen2.5-0.5B-Instruct", "decoder", 494, (896, 24, 4864, 128, 151936), 999),
        _known("Qwen/Qwen2.5-1.5B-Instruct", "decoder", 1543.7, (1536, 28, 8960, 256, 151936), 3098),
        _known("meta-llama/Llama-3.2-1B-Instruct", "decoder", 1235.8, (2048, 16, 8192, 512, 128256), 2480),
        _known("meta-llama/Llama-3.2-3B-Instruct", "decoder", 3212.7, (3072, 28, 8192, 1024, 128256), 6434),
    )
}


def base_facts(model: str | None) -> BaseFacts:
    """What is known of a base by its name, as `--model` takes it.

    The hub is asked where nothing is here, unless it must not be.
    """
    name = model or DEFAULT
    if name in (DEFAULT, sources.MINILM):
        facts = replace(KNOWN[sources.MINILM], name=name, download=0, disk=0)
        return _packaged(facts, sources.minilm_folder)
    if name == sources.SMOLLM2:
        facts = KNOWN["HuggingFaceTB/SmolLM2-135M-Instruct"]
        here = (cache_dir() / f"smollm2-{sources.SMOLLM2_SHA256[:12]}-{sources.CONVERSION}").is_dir()
        facts = replace(facts, name=name, calls_itself=name, download=0, disk=0 if here else 540_000_000)
        return facts if here else _packaged(facts, sources.gguf_file)
    folder = Path(name).expanduser()
    if folder.is_dir():
        return facts_of_folder(name, folder)
    return _of_hub(name)


def facts_of_folder(name: str, folder: Path) -> BaseFacts:
    """What a folder with a model says; nothing of its weights is read but the header."""
    from skillstack.models.identity import weight_files

    facts = BaseFacts(name, folder.resolve().name, "")
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        parameters = sum(_parameters(file) for file in weight_files(folder))
        return _shaped(replace(facts, parameters=parameters), config)
    except SkillStackError as error:
        return replace(facts, trouble=error)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return replace(
            facts,
            trouble=SkillStackError(
                f"{folder} holds no model that can be read.", "Name a folder made by save_pretrained."
            ),
        )


def _packaged(facts: BaseFacts, find: Any) -> BaseFacts:
    try:
        find()
    except SkillStackError as error:
        return replace(facts, trouble=error)
    return facts


def _of_hub(name: str) -> BaseFacts:
    model, _, revision = name.partition("@")
    known = replace(KNOWN.get(model, BaseFacts(name, model, "", download=None)), name=name)
    try:
        from huggingface_hub import HfApi, snapshot_download
        from huggingface_hub.errors import LocalEntryNotFoundError
    except ImportError:
        return known  # what is missing is said elsewhere
    try:
        folder = Path(snapshot_download(model, revision=revision or None, local_files_only=True))
        here = replace(facts_of_folder(name, folder), calls_itself=model)
        if here.trouble is None:
            return here
    except (LocalEntryNotFoundError, OSError, ValueError):
        pass
    if is_offline():
        return replace(known, trouble=_explained(OSError(), name, model))
    try:
        found = HfApi().model_info(model, revision=revision or None, timeout=PATIENCE, files_metadata=True)
    except Exception as error:  # whatever the hub's library and the network raise
        return replace(known, trouble=_explained(error, name, model))
    return _announced(known, found)


def _explained(error: Exception, name: str, model: str) -> SkillStackError:
    from skillstack.hub import explain

    return explain(error, f"The model {name}", model, "minilm and smollm2 need no download.")


def _announced(known: BaseFacts, found: Any) -> BaseFacts:
    """What the hub says of a model."""
    files = found.siblings or ()
    size = sum(file.size or 0 for file in files if file.rfilename.endswith((".safetensors", ".json")))
    total = getattr(found.safetensors, "total", 0) or known.parameters
    facts = replace(
        known,
        parameters=int(total),
        download=int(size) or known.download,
        disk=int(size) or known.disk,
        gated=bool(found.gated),
    )
    config = found.config or {}
    return facts if facts.kind or "model_type" not in config else _shaped(facts, config)


def _shaped(facts: BaseFacts, config: Mapping[str, Any]) -> BaseFacts:
    hidden = int(config.get("hidden_size") or 0)
    heads = int(config.get("num_attention_heads") or 1)
    key_heads = int(config.get("num_key_value_heads") or heads)
    described = SimpleNamespace(**{"architectures": None, "hidden_size": hidden, **config})
    return replace(
        facts,
        kind=kind_of(described),
        hidden=hidden,
        layers=int(config.get("num_hidden_layers") or 0),
        inner=int(config.get("intermediate_size") or 4 * hidden),
        keys=key_heads * int(config.get("head_dim") or hidden // heads),
        vocabulary=int(config.get("vocab_size") or 0),
    )


def _parameters(file: Path) -> int:
    """Numbers in a safetensors file, by its header."""
    with file.open("rb") as stream:
        (length,) = struct.unpack("<Q", stream.read(8))
        if length > _MAX_HEADER:
            raise ValueError("header too long")
        header = json.loads(stream.read(length))
    return sum(prod(entry["shape"]) for key, entry in header.items() if key != "__metadata__")
