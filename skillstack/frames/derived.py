"""Files that can be made again: kept beside a store's own, never part of an id, believed only when whole.

Each is safetensors that carry the SHA-256 of their own tensors, under ``derived/<kind>-<version>/<key>``.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from skillstack.errors import IntegrityError, StoreError
from skillstack.frames import atomic, tensors
from skillstack.frames.digests import check_digest, sha256

#: The folder's name in a store.
FOLDER = "derived"
_SEAL = "sha256"
Arrays = Mapping[str, NDArray[np.generic]]


@dataclass(frozen=True)
class Derived:
    """The derived files of one kind.

    :ivar root: the folder that holds all kinds.
    :ivar kind: what they are, with the version of how they are made: ``predictions-1``.
    """

    root: Path
    kind: str

    def path(self, key: str) -> Path:
        """Where the file of a key, a SHA-256, lies."""
        return self.root / self.kind / f"{check_digest(key, 'A derived file')}.safetensors"

    def read(self, key: str) -> dict[str, NDArray[np.generic]] | None:
        """The arrays of a key; None where there are none, or where they were altered: they are made again."""
        try:
            return decode(self.path(key).read_bytes(), what=key)
        except (OSError, StoreError):
            return None

    def write(self, key: str, arrays: Arrays) -> None:
        """Keep arrays; a disk that refuses costs the next one time and nothing else."""
        with contextlib.suppress(StoreError):
            atomic.make_folder(self.path(key).parent)
            atomic.write_file(self.path(key), encode(arrays))


def encode(arrays: Arrays) -> bytes:
    """Safetensors bytes with the digest of the same bytes without it."""
    return tensors.dump(arrays, {_SEAL: sha256(tensors.dump(arrays))})


def decode(data: bytes, *, what: str) -> dict[str, NDArray[np.generic]]:
    """The arrays of such bytes.

    :raises IntegrityError: if they are not what was written.
    """
    found = tensors.load(data, what=what)
    if tensors.metadata(data, what=what).get(_SEAL) != sha256(tensors.dump(found)):
        raise IntegrityError(f"{what} was altered.", "Delete it: it is made again when it is needed.")
    return found
