"""What this machine is: system, Python, cores, memory, and whether it is a notebook service's."""

from __future__ import annotations

import contextlib
import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Notebook = Literal["", "kaggle", "colab"]
_CGROUP = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Machine:
    """A machine, as far as a training asks.

    :ivar system: name, version and processor.
    :ivar python: its version.
    :ivar cores: that this process may use.
    :ivar memory_free: bytes; 0 where that is unknown.
    :ivar memory_total: likewise.
    :ivar notebook: the service that lends it, if it is one that ends sessions.
    """

    system: str
    python: str
    cores: int
    memory_free: int
    memory_total: int
    notebook: Notebook = ""


def this_machine() -> Machine:
    """The machine that this runs on, within the bounds of its container."""
    free, total = _memory()
    return Machine(
        system=f"{platform.system()} {platform.release()} {platform.machine()}".strip(),
        python=platform.python_version(),
        cores=_cores(),
        memory_free=free,
        memory_total=total,
        notebook=notebook(os.environ),
    )


def notebook(environ: Mapping[str, str]) -> Notebook:
    """Which service lends this machine, as its environment says."""
    if "KAGGLE_KERNEL_RUN_TYPE" in environ:
        return "kaggle"
    return "colab" if "COLAB_RELEASE_TAG" in environ or "COLAB_GPU" in environ else ""


def _cores() -> int:
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with contextlib.suppress(OSError, ValueError):
        quota, period = (_CGROUP / "cpu.max").read_text(encoding="ascii").split()
        if quota != "max":
            usable = min(usable, max(1, round(int(quota) / int(period))))
    return usable


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
