"""Safetensors bytes, written the same every time and read with every check before an allocation.

The format: eight bytes of little-endian header length, a JSON header that maps each name to dtype, shape
and offsets, then the data (https://github.com/huggingface/safetensors#format).
"""

from __future__ import annotations

import json
import math
import mmap
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from skillstack.errors import IntegrityError

#: Bytes in memory, or a file mapped there.
Buffer = bytes | mmap.mmap
Tensors = dict[str, NDArray[np.generic]]
METADATA = "__metadata__"

#: NumPy's limit. Ours have two dimensions.
MAX_DIMENSIONS = 64
MAX_EXTENT = 2**62

#: Largest header that is parsed, in bytes. Ours have a few kilobytes.
MAX_HEADER = 8 << 20
_DTYPES: dict[str, np.dtype[np.generic]] = {
    "F64": np.dtype("<f8"),
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
    "I64": np.dtype("<i8"),
    "I32": np.dtype("<i4"),
    "I16": np.dtype("<i2"),
    "I8": np.dtype("i1"),
    "U64": np.dtype("<u8"),
    "U32": np.dtype("<u4"),
    "U16": np.dtype("<u2"),
    "U8": np.dtype("u1"),
    "BOOL": np.dtype("?"),
}
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}


def dump(tensors: Mapping[str, NDArray[np.generic]], metadata: Mapping[str, str] | None = None) -> bytes:
    """Safetensors bytes: names sorted, no gaps, header padded to eight bytes. Equal input, equal bytes.

    :raises ValueError: for a dtype that the format does not have, a number that is not finite, and the name
        ``__metadata__``, which the format keeps for itself.
    """
    if METADATA in tensors:
        raise ValueError(f"a tensor cannot be called {METADATA!r}")
    header: dict[str, object] = {}
    if metadata:
        header[METADATA] = dict(sorted(metadata.items()))
    blobs: list[bytes] = []
    offset = 0
    # Wide items first, as the reference writer does, so that every tensor is aligned to its item size.
    for name in sorted(tensors, key=lambda key: (-tensors[key].dtype.itemsize, key)):
        array = np.ascontiguousarray(tensors[name])
        little = array.dtype.newbyteorder("<")
        if little not in _NAMES:
            raise ValueError(f"no safetensors dtype for {array.dtype}")
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise ValueError(f"{name!r} holds a number that is not finite")
        blob = array.astype(little, copy=False).tobytes()
        header[name] = {
            "dtype": _NAMES[little],
            "shape": list(tensors[name].shape),
            "data_offsets": [offset, offset + len(blob)],
        }
        blobs.append(blob)
        offset += len(blob)
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode("utf-8")
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + b"".join(blobs)


def load(data: Buffer, *, what: str = "The tensor file") -> Tensors:
    """The tensors of safetensors bytes, as read-only views of them.

    :param what: names the file in errors.
    :raises IntegrityError: if lengths, dtypes, shapes or offsets do not fit each other or the bytes, or if
        a floating-point number is not finite.
    """
    entries, start = _header(data, what)
    tensors: Tensors = {}
    for name, (dtype, shape, begin, end) in entries.items():
        array = np.frombuffer(data, dtype=dtype, count=(end - begin) // dtype.itemsize, offset=start + begin)
        if dtype.kind == "f" and not np.isfinite(array).all():
            raise IntegrityError(f"{what} has a number in {name!r} that is not finite.", "It is damaged.")
        tensors[name] = array.reshape(shape)
    return tensors


def header_bytes(data: Buffer, *, what: str = "The tensor file") -> int:
    """How many bytes at the front of safetensors bytes say what the rest is.

    :raises IntegrityError: if that is more than there are, or than any file of ours has.
    """
    view = memoryview(data)
    length = int.from_bytes(view[:8], "little")
    if len(view) < 8 or length > min(MAX_HEADER, len(view) - 8):
        raise IntegrityError(f"{what} is cut short or has an impossible header length.", "It is damaged.")
    return 8 + length


def metadata(data: bytes, *, what: str = "The tensor file") -> dict[str, str]:
    """The metadata of safetensors bytes; empty where there is none.

    :raises IntegrityError: as `load`.
    """
    _header(data, what)
    return _strings(_json(data, what)[0].get(METADATA, {}), what)


def _strings(value: object, what: str) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
        raise IntegrityError(f"{what} has metadata that are no strings.", "It is damaged.")
    return value


def _json(data: Buffer, what: str) -> tuple[dict[str, object], int]:
    start = header_bytes(data, what=what)
    try:
        header = json.loads(bytes(memoryview(data)[8:start]).decode("utf-8"), object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        raise IntegrityError(f"{what} has no readable header.", "It is damaged.") from None
    if not isinstance(header, dict):
        raise IntegrityError(f"{what} has no readable header.", "It is damaged.")
    return header, start


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("duplicate key")
    return result


_Entry = tuple["np.dtype[np.generic]", list[int], int, int]


def _entry(entry: object, size: int) -> _Entry:
    """Dtype, shape, begin and end of one tensor, if they fit each other and the data's size in bytes."""
    if not isinstance(entry, dict):
        raise TypeError("no object")
    dtype = _DTYPES[entry["dtype"]]
    shape = entry["shape"]
    offsets = entry["data_offsets"]
    if not isinstance(shape, list) or len(shape) > MAX_DIMENSIONS or not isinstance(offsets, list):
        raise TypeError("no lists")
    begin, end = offsets
    if not all(type(number) is int and 0 <= number <= MAX_EXTENT for number in (*shape, begin, end)):
        raise ValueError("a number is out of range")
    # NumPy refuses shapes whose extents other than zero overflow, even if there is nothing in them.
    if math.prod(extent for extent in shape if extent) * dtype.itemsize > MAX_EXTENT or end > size:
        raise ValueError("a number is out of range")
    if end - begin != math.prod(shape) * dtype.itemsize:
        raise ValueError("the offsets do not fit the shape")
    return dtype, shape, begin, end


def _header(data: Buffer, what: str) -> tuple[dict[str, _Entry], int]:
    header, start = _json(data, what)
    size = len(memoryview(data)) - start
    entries: dict[str, _Entry] = {}
    for name, entry in header.items():
        if name == METADATA:
            _strings(entry, what)
            continue
        try:
            entries[name] = _entry(entry, size)
        except (KeyError, TypeError, ValueError):
            raise IntegrityError(f"{what} describes {name[:80]!r} wrongly.", "It is damaged.") from None
    position = 0
    for _, _, begin, end in sorted(entries.values(), key=lambda entry: (entry[2], entry[3])):
        if begin != position:
            raise IntegrityError(f"{what} has overlapping tensors or gaps.", "It is damaged.")
        position = end
    if position != size:
        raise IntegrityError(
            f"{what} has a length that its header does not say.", "It is cut short or damaged."
        )
    return entries, start
