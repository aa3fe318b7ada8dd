"""Files that can be made again: kept beside a store's own, never part of an id, believed only when whole.

Each is safetensors that carry the SHA-256 of key and tensors, under ``derived/<kind>-<version>/<key>``.
Where a file serves frames that may be gone one day, it names their behaviours (`needs`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from skillstack.errors import IntegrityError, StoreError
from skillstack.store import files, tensors
from skillstack.store.canonical import check_digest, sha256

#: The folder's name in a store.
FOLDER = "derived"
_SEAL = "sha256"
_NEEDS = "needs"
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
            return decode(self.path(key).read_bytes(), key)
        except (OSError, StoreError):
            return None

    def write(self, key: str, arrays: Arrays) -> None:
        """Keep arrays; a disk that refuses costs the next one time and nothing else."""
        with contextlib.suppress(StoreError, OSError):
            files.make_folder(self.path(key).parent)
            files.write_file(self.path(key), encode(arrays, key))


def needs(behaviours: Iterable[str]) -> dict[str, NDArray[np.generic]]:
    """An array beside a file's own: the behaviours without which nobody reads the file."""
    digests = [bytes.fromhex(check_digest(one, "A behaviour")) for one in behaviours]
    return {_NEEDS: np.frombuffer(b"".join(digests), dtype=np.uint8).reshape(len(digests), 32)}


def needed_by(arrays: Arrays) -> frozenset[str] | None:
    """The behaviours that a file names so; None where it names none."""
    found = arrays.get(_NEEDS)
    return None if found is None else frozenset(row.tobytes().hex() for row in found)


def encode(arrays: Arrays, key: str) -> bytes:
    """Safetensors bytes with the digest of the same bytes that have the key in its place."""
    return tensors.dump(arrays, {_SEAL: _seal(arrays, key)})


def decode(data: bytes, key: str) -> dict[str, NDArray[np.generic]]:
    """The arrays of such bytes.

    :raises IntegrityError: if they are not what was written under this key.
    """
    what = f"The derived file {key[:12]}"
    found = tensors.load(data, what=what)
    if tensors.metadata(data, what=what).get(_SEAL) != _seal(found, key):
        raise IntegrityError(f"{what} was altered.", "Delete it: it is made again when it is needed.")
    return found


def _seal(arrays: Arrays, key: str) -> str:
    return sha256(tensors.dump(arrays, {_SEAL: key}))
