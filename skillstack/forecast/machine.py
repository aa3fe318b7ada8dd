"""What this machine is: system, cores, memory, GPUs that torch can use, and installed libraries."""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from skillstack.models.devices import Device, describe

Notebook = Literal["", "kaggle", "colab"]
_CGROUP = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Machine:
    """A machine, as far as a training asks. Sizes are bytes, and 0 where they are unknown.

    :ivar system: name, version and processor.
    :ivar cores: cores that this process may use.
    :ivar notebook: the service that lends the machine, if it is one that ends sessions.
    :ivar torch: torch's version; empty where it cannot be imported.
    :ivar torch_error: why torch, or its GPU, cannot be used, in torch's own words.
    :ivar gpus: the GPUs that torch can use.
    :ivar gpu_free: free memory of each of them.
    :ivar idle_driver: whether an NVIDIA driver is here although torch sees no GPU.
    """

    system: str
    python: str
    cores: int
    memory_free: int
    memory_total: int
    notebook: Notebook = ""
    torch: str = ""
    torch_error: str = ""
    gpus: tuple[Device, ...] = ()
    gpu_free: tuple[int, ...] = ()
    idle_driver: bool = False

    def to_json(self) -> dict[str, Any]:
        """As `doctor --json` shows it; null is unknown."""
        return {
            "system": self.system,
            "python": self.python,
            "cores": self.cores,
            "memory_free": self.memory_free or None,
            "memory_total": self.memory_total or None,
            "notebook": self.notebook or None,
            "gpus": [
                {
                    "name": gpu.name,
                    "memory": gpu.memory,
                    "capability": list(gpu.capability) if gpu.capability else None,
                    "memory_free": free,
                }
                for gpu, free in zip(self.gpus, self.gpu_free, strict=True)
            ],
            "torch": self.torch or None,
        }

    def device(self, asked: str) -> Device:
        """The device that a training takes: the first GPU unless the CPU is asked for."""
        return Device("cpu") if asked == "cpu" or not self.gpus else self.gpus[0]

    def free(self, device: Device) -> int:
        """Free memory of a device."""
        if device.kind == "cpu":
            return self.memory_free
        return self.gpu_free[0] if self.gpu_free else device.memory


@dataclass(frozen=True)
class InstalledLibrary:
    """A library that the package asks for.

    :ivar needed: the least version; empty for any.
    :ivar version: the installed one; empty where it is missing.
    :ivar requirement: what pip is to be told.
    """

    name: str
    needed: str
    version: str
    fits: bool
    requirement: str


def this_machine() -> Machine:
    """The machine that this runs on, within the bounds of its container."""
    free, total = _memory()
    return Machine(
        system=f"{platform.system()} {platform.release()} {platform.machine()}".strip(),
        python=platform.python_version(),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        memory_free=free,
        memory_total=total,
        notebook=notebook_service(os.environ),
        **_torch(),
    )


def notebook_service(environ: Mapping[str, str]) -> Notebook:
    """The service that lends this machine, as its environment says."""
    if "KAGGLE_KERNEL_RUN_TYPE" in environ:
        return "kaggle"
    return "colab" if "COLAB_RELEASE_TAG" in environ or "COLAB_GPU" in environ else ""


def libraries(extras: Collection[str] = ()) -> tuple[InstalledLibrary, ...]:
    """The libraries that the package's own metadata name, without importing one.

    :param extras: optional parts of the package whose libraries are needed too.
    """
    from packaging.requirements import Requirement

    try:
        declared = [Requirement(text) for text in metadata.requires("skillstack") or ()]
    except metadata.PackageNotFoundError:  # a copy that was never installed
        return ()
    return tuple(
        _library(one)
        for one in declared
        if one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in ("", *extras))
    )


def _library(requirement: Any) -> InstalledLibrary:
    try:
        version = metadata.version(requirement.name) or ""
    except (metadata.PackageNotFoundError, ValueError):
        version = ""
    return InstalledLibrary(
        name=requirement.name,
        needed=next((part.version for part in requirement.specifier if part.operator == ">="), ""),
        version=version,
        fits=bool(version) and requirement.specifier.contains(version, prereleases=True),
        requirement=f"{requirement.name}{requirement.specifier}",
    )


def _torch() -> dict[str, Any]:
    """What torch says of itself and of its GPUs."""
    driver = Path("/proc/driver/nvidia/version").is_file() or shutil.which("nvidia-smi") is not None
    try:
        import torch
    except Exception as error:  # a broken library raises anything: OSError, RuntimeError, AttributeError
        return {"torch_error": _first_line(error), "idle_driver": driver}
    version = str(torch.__version__)
    try:
        if not torch.cuda.is_available():
            return {"torch": version, "idle_driver": driver}
        places = [torch.device("cuda", index) for index in range(torch.cuda.device_count())]
        return {
            "torch": version,
            "gpus": tuple(describe(place) for place in places),
            "gpu_free": tuple(torch.cuda.mem_get_info(place)[0] for place in places),
        }
    except (RuntimeError, AssertionError) as error:
        return {"torch": version, "torch_error": _first_line(error), "idle_driver": True}


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}"[:160] if lines else type(error).__name__


def _memory() -> tuple[int, int]:
    """Bytes that are free and that there are: of the machine, or of its container where that has fewer."""
    try:
        import psutil

        found = psutil.virtual_memory()
    except (ImportError, OSError, RuntimeError):
        return 0, 0
    free, total = int(found.available), int(found.total)
    with contextlib.suppress(OSError, ValueError):
        most = int((_CGROUP / "memory.max").read_text(encoding="ascii"))
        used = int((_CGROUP / "memory.current").read_text(encoding="ascii"))
        free, total = min(free, max(0, most - used)), min(total, most)
    return free, total
