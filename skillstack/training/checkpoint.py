"""Checkpoints inside a frame's training: tensors first, then the sealed manifest that names them.

A crash leaves the old checkpoint or the new one; a resumed training ends with the same weights as one that
was never stopped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skillstack.errors import IntegrityError
from skillstack.frames import atomic, sealed, tensors
from skillstack.frames.digests import is_digest, sha256

FORMAT = 1
_MANIFEST = "checkpoint.json"


@dataclass(frozen=True)
class Checkpoint:
    """The state of a training between two steps.

    :ivar step: optimizer steps done.
    :ivar tensors: adapter, head, optimizer moments, averages and best candidate, by name.
    :ivar state: whole numbers and strings that go with them.
    """

    step: int
    tensors: Mapping[str, NDArray[np.generic]]
    state: Mapping[str, Any]


def save(folder: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint and drop the one before it.

    :raises StoreError: if the disk is full or another system error stops it; the old one stays.
    """
    data = tensors.dump(checkpoint.tensors)
    digest = sha256(data)
    atomic.write_file(folder / f"{digest}.safetensors", data)
    record = {"format": FORMAT, "step": checkpoint.step, "state": dict(checkpoint.state), "tensors": digest}
    atomic.write_file(folder / _MANIFEST, sealed.seal(record))
    for path in sorted(folder.glob("*.safetensors")):
        if path.stem != digest:
            atomic.remove_file(path)


def load(folder: Path) -> Checkpoint | None:
    """The checkpoint of a folder, or None where there is none.

    :raises IntegrityError: if it is damaged.
    """
    manifest = folder / _MANIFEST
    if not manifest.is_file():
        return None
    record = sealed.unseal(manifest.read_bytes(), what=str(manifest))
    digest = record.get("tensors")
    if record.get("format") != FORMAT or not is_digest(digest):
        raise IntegrityError(f"{manifest} is no checkpoint of this version.", f"Delete {folder}.")
    path = folder / f"{digest}.safetensors"
    data = path.read_bytes() if path.is_file() else b""
    if sha256(data) != digest:
        raise IntegrityError(
            f"{path} is missing or was altered.", f"Delete {folder} to start this frame anew."
        )
    return Checkpoint(int(record["step"]), tensors.load(data, what=str(path)), record["state"])


def clear(folder: Path) -> None:
    """Remove a finished training's checkpoints: the manifest first, so that no half of one is ever read."""
    atomic.remove_file(folder / _MANIFEST)
    if folder.is_dir():
        for path in sorted(folder.iterdir()):
            atomic.remove_file(path)
        folder.rmdir()
