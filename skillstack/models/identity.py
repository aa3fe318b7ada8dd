"""What a base is: a fingerprint of its weights, and the behaviour of its tokenizer.

The weights' fingerprint is taken from the tensors of the checkpoint, not from its files: sharding, file
order and metadata do not change it, another number or dtype does.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skillstack.errors import IntegrityError, MismatchError, MissingError, StoreError, UsageError
from skillstack.hub import cache_dir
from skillstack.store import canonical
from skillstack.store.files import write_file
from skillstack.store.records import BaseIdentity

if TYPE_CHECKING:
    from torch import nn

    from skillstack.models.base import Kind


_ENCODERS = {
    "albert", "bert", "camembert", "deberta", "deberta-v2", "distilbert", "electra", "ernie", "eurobert",
    "mobilebert", "modernbert", "mpnet", "nomic_bert", "roberta", "xlm-roberta", "xlm-roberta-xl",
}  # fmt: skip


def kind_of(config: Any) -> Kind:
    """Whether a config describes an encoder or a decoder.

    :raises MismatchError: if it is neither, such as an encoder-decoder.
    """
    if getattr(config, "is_encoder_decoder", False) or not hasattr(config, "hidden_size"):
        raise MismatchError(
            f"Models of type {config.model_type!r} are not supported.",
            "Use a text encoder (bert, roberta, ...) or a causal language model (llama, qwen2, ...).",
        )
    if config.model_type in _ENCODERS:
        return "encoder"
    names = " ".join(config.architectures or ())
    if "ForCausalLM" in names or "LMHeadModel" in names:
        return "decoder"
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    return "decoder" if config.model_type in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES else "encoder"


def layers_path(model: nn.Module, count: int) -> str:
    """Dotted path of the list of transformer layers: ``encoder.layer``, ``layers``, ...

    :raises MismatchError: if no list of that length is there.
    """
    from torch.nn import ModuleList

    for name, module in model.named_modules():
        if isinstance(module, ModuleList) and len(module) == count:
            return str(name)
    raise MismatchError(
        f"No list of {count} layers was found in {type(model).__name__}.",
        "This architecture is not supported; use bert, roberta, llama, qwen2 or a relative.",
    )


#: Sentences on which tokenizers differ: Unicode forms, case, numbers, code, runs of white space.
PROBES = (
    "The quick brown fox jumps over the lazy dog.",
    "Naïve façade: Ünïcödé, ﬁne ligatures, e\u0301 and é.",
    "北京欢迎你。 Привет, мир! مرحبا 😀👩‍💻",
    "In 1999 it cost $1,234,567.89, i.e. 42% less; 3.14e-10.",
    "def f(x):\n\treturn x['key'] != 0  # why?\n",
    "   white   space \r\n and\u00a0more\u200b ",
    "DON'T SHOUT, isn't-it antidisestablishmentarianism",
)
_CHUNK = 1 << 22


def weights_fingerprint(folder: Path) -> str:
    """SHA-256 over the checkpoint's sorted (tensor name, dtype, shape, SHA-256 of the bytes).

    It is remembered in the user's cache by the files' paths, sizes and times.

    :raises MissingError: if the folder holds no safetensors.
    :raises IntegrityError: if a file is truncated.
    """
    files = weight_files(folder)
    stats = [(str(f.resolve()), f.stat().st_size, f.stat().st_mtime_ns) for f in files]
    note = cache_dir() / "fingerprints" / hashlib.sha256(repr(stats).encode()).hexdigest()
    known = _remembered(note)
    if known is not None:
        return known
    entries = sorted(entry for file in files for entry in _tensor_digests(file))
    found = hashlib.sha256(canonical.dumps([list(entry) for entry in entries])).hexdigest()
    _remember(note, found)
    return found


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files of a checkpoint: the one, or those that its index names.

    :raises MissingError: if there are none.
    """
    whole = folder / "model.safetensors"
    if whole.is_file():
        return [whole]
    index = folder / "model.safetensors.index.json"
    names: set[str] = set()
    if index.is_file():
        with contextlib.suppress(ValueError, KeyError, AttributeError):
            names = {str(n) for n in json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()}
    files = [folder / Path(name).name for name in sorted(names)]
    if not files or not all(file.is_file() for file in files):
        raise MissingError(
            f"{folder} holds no whole model in safetensors format.",
            "Save the model there with save_pretrained, which writes model.safetensors.",
        )
    return files


def tokenizer_fingerprint(tokenizer: Any, *, pairs: bool) -> str:
    """SHA-256 of what a tokenizer does: ids of the probes (and of pairs), special ids, vocabulary size."""
    behaviour = {
        "plain": [_ids(tokenizer, text) for text in PROBES],
        "special": [_ids(tokenizer, text, add_special_tokens=True) for text in PROBES],
        "pairs": [_ids(tokenizer, a, b, add_special_tokens=True) for a, b in itertools.pairwise(PROBES)]
        if pairs
        else [],
        "ids": {
            name: getattr(tokenizer, f"{name}_token_id", None)
            for name in ("bos", "eos", "unk", "sep", "pad", "cls", "mask")
        },
        "size": len(tokenizer),
    }
    return hashlib.sha256(canonical.dumps(behaviour)).hexdigest()


def check_same(expected: BaseIdentity, found: BaseIdentity) -> None:
    """Refuse a base that is not the expected one.

    :raises MismatchError: with both identities named.
    """
    if expected.same_as(found):
        return
    parts = ("weights", "tokenizer", "architecture", "hidden_size", "layers")
    what = next(part for part in parts if getattr(expected, part) != getattr(found, part))
    raise MismatchError(
        f"These frames belong to another base (the {what.replace('_', ' ')} differ): {describe(expected)} "
        f"expected, {describe(found)} found.",
        f"Load {expected.name}{f' at revision {expected.revision}' if expected.revision else ''}, or start a "
        "new stack for this base.",
    )


def describe(identity: BaseIdentity) -> str:
    """An identity in one line."""
    revision = f"@{identity.revision}" if identity.revision else ""
    return (
        f"{identity.name}{revision} ({identity.architecture}, {identity.layers} layers of "
        f"{identity.hidden_size}, weights {identity.weights[:12]}, tokenizer {identity.tokenizer[:12]})"
    )


def _ids(tokenizer: Any, *texts: str, add_special_tokens: bool = False) -> list[int]:
    # Some checkpoints switch truncation on in tokenizer.json; the probes are shorter than any limit.
    encoded = tokenizer(*texts, add_special_tokens=add_special_tokens, truncation=False, verbose=False)
    return [int(i) for i in encoded["input_ids"]]


def _tensor_digests(file: Path) -> list[tuple[str, str, list[int], str]]:
    size = file.stat().st_size
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if not 2 <= length <= min(size - 8, 100_000_000):
            raise _damaged(file)
        try:
            header = json.loads(stream.read(length))
            tensors = {name: entry for name, entry in header.items() if name != "__metadata__"}
            found = []
            for name, entry in tensors.items():
                begin, end = entry["data_offsets"]
                if not 0 <= begin <= end <= size - 8 - length:
                    raise _damaged(file)
                stream.seek(8 + length + begin)
                digest = hashlib.sha256()
                while begin < end:
                    piece = stream.read(min(_CHUNK, end - begin))
                    if not piece:
                        raise _damaged(file)
                    digest.update(piece)
                    begin += len(piece)
                shape = [int(n) for n in entry["shape"]]
                found.append((str(name), str(entry["dtype"]), shape, digest.hexdigest()))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise _damaged(file) from None
    return found


def _damaged(file: Path) -> IntegrityError:
    return IntegrityError(f"{file} is no whole safetensors file.", "Download or copy the model again.")


def _remembered(note: Path) -> str | None:
    try:
        text = note.read_text(encoding="ascii")
    except (OSError, ValueError):
        return None
    return text if len(text) == 64 and set(text) <= set("0123456789abcdef") else None


def _remember(note: Path, fingerprint: str) -> None:
    # A cache that cannot be written costs a second at the next start, nothing else.
    with contextlib.suppress(OSError, StoreError):
        write_file(note, fingerprint.encode("ascii"))


#: Where a base may be held.
DEVICES = ("auto", "cpu", "cuda")


def check_device(device: str) -> str:
    """The name of a device, if it is one; whether the device is here is not looked at.

    :raises UsageError: if it is not.
    """
    if device not in DEVICES:
        raise UsageError(f"There is no device {device[:80]!r}.", f"Known: {', '.join(DEVICES)}.")
    return device


def check_model(expected: BaseIdentity, model: str) -> None:
    """Whether this model has the weights of the expected one; they are read as bytes, once.

    The name by which the expected one is known is believed. The tokenizer is compared when the base is
    loaded.

    :raises UsageError: if the name cannot be meant.
    :raises MissingError: if the model is not here.
    :raises MismatchError: if it is another one.
    """
    from skillstack.models import sources

    if model == expected.name:
        return
    source = sources.find(model)
    weights = source.weights or weights_fingerprint(source.folder)
    if weights != expected.weights:
        raise MismatchError(
            f"These frames belong to another base (the weights differ): {describe(expected)} expected, "
            f"{source.name} (weights {weights[:12]}) found.",
            f"Load {expected.name}{f' at revision {expected.revision}' if expected.revision else ''}, or "
            "leave --model out.",
        )
