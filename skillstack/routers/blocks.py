"""Coefficients in 16 bits, so that scores move by less than 1e-4; of large states, read from disk in blocks.

The coefficients of one feature share a power of two. Half precision would take as much room and be sixteen
times coarser at the largest coefficient of a feature, which is too coarse for that promise.

A router of a thousand skills has hundreds of megabytes of coefficients, of which one text needs a few
hundred rows. Reading and hashing all of them would take seconds for an answer that takes milliseconds.
"""

from __future__ import annotations

import hashlib
import mmap
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skillstack.errors import IntegrityError
from skillstack.routers.base import REFIT

_BITS = 15
_LOWEST = -100

#: Bytes of a block, which is checked as a whole.
BLOCK_BYTES = 1 << 16


def split(
    coefficients: NDArray[np.float32] | NDArray[np.float64],
) -> tuple[NDArray[np.int16], NDArray[np.int8]]:
    """Whole numbers, int16 [features, skills], and exponents, int8 [features], for floats [features, skills].

    The exponent is the one that `frexp` gives for the feature's largest coefficient.
    """
    largest = np.abs(coefficients).max(axis=1, initial=0.0)
    exponents = np.clip(np.frexp(largest)[1], _LOWEST, 100)
    whole = np.rint(np.ldexp(coefficients, _BITS - exponents[:, None]))
    limit = (1 << _BITS) - 1
    return np.clip(whole, -limit, limit).astype(np.int16), exponents.astype(np.int8)


def combine(whole: NDArray[np.int16], exponents: NDArray[np.int8]) -> NDArray[np.float32]:
    """The coefficients that `split` kept, float32 [features, skills], exactly."""
    powers = np.ldexp(np.float32(1), exponents.astype(np.int32) - _BITS).astype(np.float32)
    return whole.astype(np.float32) * powers[:, None]


def block_digests(data: bytes) -> str:
    """SHA-256 (hex) of each block, one after the other without separators."""
    view = memoryview(data)
    starts = range(0, len(data), BLOCK_BYTES)
    return "".join(hashlib.sha256(view[start : start + BLOCK_BYTES]).hexdigest() for start in starts)


class BlockFile:
    """A file mapped into memory.

    :param path: the file.
    :param digests: `block_digests` of its right bytes.
    :raises IntegrityError: if its size is another one.
    """

    def __init__(self, path: Path, digests: str) -> None:
        self.path = path
        self._digests = bytes.fromhex(digests)
        with path.open("rb") as file:
            self.data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        count = -(-len(self.data) // BLOCK_BYTES)
        if len(self._digests) != 32 * count:
            raise IntegrityError(f"{path} has another size than its record says.", REFIT)
        self._proved = np.zeros(count, dtype=np.bool_)

    def offset(self, array: NDArray[np.generic]) -> int:
        """Where a view of the file's bytes begins."""
        start = np.frombuffer(self.data, dtype=np.uint8, count=1).ctypes.data
        return int(array.ctypes.data - start)

    def prove(self, begins: NDArray[np.int64], length: int) -> None:
        """Check every block that holds a byte of these spans, unless it was checked before.

        :param begins: where each span begins.
        :param length: bytes of each span.
        :raises IntegrityError: if a block was altered.
        """
        if not len(begins) or not length:
            return
        first, last = begins // BLOCK_BYTES, (begins + length - 1) // BLOCK_BYTES
        spans = [first + step for step in range(int((last - first).max()) + 1)]
        wanted = np.unique(np.concatenate([span[span <= last] for span in spans]))
        for block in wanted[~self._proved[wanted]].tolist():
            begin = block * BLOCK_BYTES
            found = hashlib.sha256(self.data[begin : begin + BLOCK_BYTES]).digest()
            if found != self._digests[32 * block : 32 * block + 32]:
                raise IntegrityError(f"{self.path} was altered near byte {begin:,}.", REFIT)
            self._proved[block] = True


class StoredCoefficients:
    """Coefficients that stay on disk: int16 [features, skills] in a `BlockFile`, with their exponents.

    :ivar shape: features and skills.
    """

    def __init__(
        self, file: BlockFile, begin: int, shape: tuple[int, int], exponents: NDArray[np.int8]
    ) -> None:
        self._file, self._begin, self._exponents = file, begin, exponents
        self.shape = shape
        count = shape[0] * shape[1]
        self._whole = np.frombuffer(file.data, dtype="<i2", count=count, offset=begin).reshape(shape)

    def take(self, features: NDArray[np.int32], axis: int = 0) -> NDArray[np.float32]:
        """These rows, float32 [rows, skills], proved and exact.

        :raises IntegrityError: if a part of the file that they lie in was altered.
        """
        if axis != 0:
            raise ValueError("coefficients are taken by feature")
        width = 2 * self.shape[1]
        self._file.prove(self._begin + features.astype(np.int64) * width, width)
        return combine(self._whole[features].astype(np.int16), self._exponents[features])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[np.float32]:
        """All of them, float32 [features, skills]."""
        return self.take(np.arange(self.shape[0], dtype=np.int32)).astype(dtype or np.float32, copy=False)
