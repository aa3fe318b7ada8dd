"""Whether a store, and the caches of downloads, lie where they should."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from skillstack.forecast.filesystems import Mount, existing, mount_of, synced_by
from skillstack.forecast.finding import Finding
from skillstack.forecast.machine import Notebook

#: What Kaggle keeps of a session, and where.
_KAGGLE = Path("/kaggle/working")
_COLAB, _DRIVE = Path("/content"), Path("/content/drive")


def free_bytes(folder: Path) -> int:
    """Bytes that are free where a folder is, or would be made; 0 where that is unknown."""
    try:
        return shutil.disk_usage(existing(folder)).free
    except OSError:
        return 0


def store_findings(folder: Path, table: Sequence[Mount], notebook: Notebook) -> list[Finding]:
    """What is to be said about the place of a store that exists or is to be made."""
    place = existing(folder)
    full = folder.expanduser().resolve()
    found = [*_kind(full, mount_of(place, table)), *_session(full, notebook)]
    if not os.access(place, os.W_OK):
        found.append(
            Finding(
                "store", "problem", "store", f"{place} cannot be written.", "Choose another with --store."
            )
        )
    return found or [Finding("store", "ok", "store", f"{full} is on a disk of this machine.")]


def _kind(folder: Path, mount: Mount | None) -> list[Finding]:
    found = []
    if mount is not None and mount.is_network:
        found.append(
            Finding(
                "store",
                "note",
                "network",
                f"{folder} is on a network or shared mount ({mount.kind}), where locks and crash safety "
                "may not hold.",
                "Keep the store on a local disk, and carry it over with `skillstack export`.",
            )
        )
    if mount is not None and mount.is_memory:
        found.append(
            Finding(
                "store",
                "note",
                "memory",
                f"{folder} is in memory ({mount.kind}): it is lost when the machine stops.",
                "Choose a folder on a disk with --store.",
            )
        )
    synced = synced_by(folder)
    if synced:
        found.append(
            Finding(
                "store",
                "note",
                "synced",
                f"{folder} is kept in step with other machines ({synced}), which may replace a file "
                "while it is used.",
                "Choose a folder outside of it with --store, and carry it over with `skillstack export`.",
            )
        )
    return found


def _session(folder: Path, notebook: Notebook) -> list[Finding]:
    if notebook == "kaggle":
        if not folder.is_relative_to(_KAGGLE):
            text = f"Kaggle keeps nothing of {folder} after the session."
            return [Finding("store", "note", "session", text, f"Choose --store {_KAGGLE}/frames.")]
        text = f"Kaggle keeps 20 GB of {_KAGGLE}, and only of a saved version; sessions end after hours."
        return [Finding("store", "note", "session", text, "Train with --time-limit 8h, then save a version.")]
    if notebook == "colab" and folder.is_relative_to(_COLAB) and not folder.is_relative_to(_DRIVE):
        text = f"Colab deletes {folder} at the session's end."
        remedy = "Run `skillstack export` at the end, and keep the file on a mounted Drive or download it."
        return [Finding("store", "note", "session", text, remedy)]
    return []
