"""Right and wrong answers as a short string, so that a result file holds every one of them."""

from __future__ import annotations

import numpy as np

from skillstack.evaluation.scores import Mask


def to_hex(mask: Mask) -> str:
    """A mask ``[rows]`` as hexadecimal digits, four rows each, the first row the highest bit."""
    return np.packbits(mask).tobytes().hex()


def from_hex(text: str, rows: int) -> Mask:
    """The mask of this many rows.

    :raises ValueError: if the text is no such mask.
    """
    data = bytes.fromhex(text)
    if len(data) != -(-rows // 8):
        raise ValueError(f"{len(data)} bytes hold no {rows} answers")
    bits = np.unpackbits(np.frombuffer(data, dtype=np.uint8)).astype(np.bool_)
    if bits[rows:].any():
        raise ValueError("bits are set behind the last answer")
    return bits[:rows]
