"""Which GPUs are here, and whether torch can use them; torch may be missing or broken."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from skillstack.models.devices import Device, describe


@dataclass(frozen=True)
class Accelerators:
    """What torch sees.

    :ivar torch: its version; empty where it cannot be imported.
    :ivar trouble: why it cannot, in its own words.
    :ivar gpus: that it can use.
    :ivar free: free bytes of each.
    :ivar unused: whether an NVIDIA driver is here that torch makes nothing of.
    """

    torch: str
    trouble: str = ""
    gpus: tuple[Device, ...] = ()
    free: tuple[int, ...] = ()
    unused: bool = False

    @property
    def device(self) -> Device:
        """The one that a training takes."""
        return self.gpus[0] if self.gpus else Device("cpu")


def accelerators() -> Accelerators:
    """Ask torch, and the driver where torch knows of none."""
    try:
        import torch
    except Exception as error:  # a broken library raises anything: OSError, RuntimeError, AttributeError
        return Accelerators("", _first(error), unused=_has_driver())
    version = str(torch.__version__)
    try:
        if not torch.cuda.is_available():
            return Accelerators(version, unused=_has_driver())
        places = [torch.device("cuda", index) for index in range(torch.cuda.device_count())]
        gpus = tuple(describe(place) for place in places)
        return Accelerators(version, gpus=gpus, free=tuple(torch.cuda.mem_get_info(p)[0] for p in places))
    except (RuntimeError, AssertionError) as error:
        return Accelerators(version, _first(error), unused=True)


def _has_driver() -> bool:
    return Path("/proc/driver/nvidia/version").is_file() or shutil.which("nvidia-smi") is not None


def _first(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}"[:160] if lines else type(error).__name__
