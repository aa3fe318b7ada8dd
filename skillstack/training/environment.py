"""On what a training ran: the versions and the machine for which equal ids are promised."""

from __future__ import annotations

import hashlib
import platform
from functools import cache
from importlib import metadata
from pathlib import Path

import torch

from skillstack.models.kernels import onednn_is_faster

_PACKAGES = (
    "skillstack",
    "torch",
    "transformers",
    "peft",
    "accelerate",
    "numpy",
    "scikit-learn",
    "tokenizers",
)

#: Packages of this project that decide what a training arrives at and what a router picks.
_DECIDING = ("frames", "models", "routers", "tasks", "training")


def environment() -> dict[str, str]:
    """Versions, machine type and threads, as strings."""
    found = {"python": platform.python_version(), "machine": f"{platform.system()} {platform.machine()}"}
    found["threads"] = str(torch.get_num_threads())
    found["kernels"] = "oneDNN" if onednn_is_faster() else "torch"
    if torch.cuda.is_available():
        found["gpu"] = torch.cuda.get_device_name()
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


@cache
def code_digest() -> str:
    """The first 16 hexadecimal digits of SHA-256 over the code that decides results.

    Two builds of one version may differ; a result that outlives a change of code says with which it was made.
    """
    root = Path(__file__).resolve().parents[1]
    digest = hashlib.sha256()
    for package in _DECIDING:
        for path in sorted((root / package).rglob("*")):
            if path.suffix in (".py", ".toml"):
                digest.update(path.relative_to(root).as_posix().encode() + b"\0")
                digest.update(path.read_bytes().replace(b"\r\n", b"\n") + b"\0")
    return digest.hexdigest()[:16]
