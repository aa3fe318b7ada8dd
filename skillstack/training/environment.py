"""On what a training ran: the versions and the machine for which equal ids are promised."""

from __future__ import annotations

import platform
from importlib import metadata

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
