"""The n-gram hash of the routers, specified so that it can be written again in any language.

**Text.** The first 20,000 characters (code points) of the text; then Unicode NFKC; then lower case
(full mapping, as ``str.lower``); then split at white space (as ``str.split``) into *words*.

**Character n-grams.** Each word with one space (U+0020) before and after it; of that string every
substring of 3, 4 and 5 code points.

**Word n-grams.** A *token* is a maximal run of letters, digits (``str.isalnum``) and underscores,
within a word. Every token is a 1-gram; every two neighbouring tokens of a text, joined by one
space, are a 2-gram.

**Bucket.** For the n-gram's code points c_0 ... c_k, in arithmetic modulo 2^32::

    h = 0;  h = h * 2654435761 + c   for each c in order            (Horner's rule)
    h ^= h >> 16;  h *= 0x85EBCA6B;  h ^= h >> 13;  h *= 0xC2B2AE35;  h ^= h >> 16
    bucket = h >> 15                                                (17 bits)

The second line is the finaliser of MurmurHash3 (A. Appleby, 2011, public domain). Word n-grams have
the buckets 0 ... 2^17 - 1, character n-grams follow: 2^17 + bucket.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

#: Characters of a text that are read.
MAX_TEXT = 20_000
#: Buckets of one block.
BLOCK = 1 << 17
CHAR_SIZES = (3, 4, 5)

_MULTIPLIER = 2654435761
_INVERSE = pow(_MULTIPLIER, -1, 1 << 32)
_M = np.uint32(_MULTIPLIER)
_SPACE = np.uint32(32)
_ASCII_WORD = np.array([chr(c).isalnum() or c == 95 for c in range(128)])

Words = NDArray[np.uint32]


def normalise(text: str) -> str:
    """The text as it is hashed: cut, NFKC, lower case, words separated and enclosed by one space."""
    text = text[:MAX_TEXT]
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    return f" {' '.join(text.lower().split())} "


def ngrams(texts: Sequence[str]) -> tuple[Words, Words]:
    """Every n-gram of every text, in no particular order, repeated as often as it occurs.

    :param texts: of any length each; memory grows with their sum.
    :returns: two arrays of one length: the index of the text, and the bucket (0 ... 2^18 - 1).
    """
    clean = [normalise(text) for text in texts]
    lengths = np.fromiter(map(len, clean), dtype=np.int64, count=len(clean))
    points = np.frombuffer("".join(clean).encode("utf-32-le", "surrogatepass"), dtype="<u4")
    owner = np.repeat(np.arange(len(clean), dtype=np.uint32), lengths)
    owners, buckets = [], []
    for mine, hashes in _char_ngrams(points, owner):
        owners.append(mine)
        buckets.append(_bucket(hashes) + np.uint32(BLOCK))
    for mine, hashes in _word_ngrams(points, owner):
        owners.append(mine)
        buckets.append(_bucket(hashes))
    return np.concatenate(owners), np.concatenate(buckets)


def _char_ngrams(points: Words, owner: Words) -> list[tuple[Words, Words]]:
    # Texts begin and end with a space, so an n-gram lies within one padded word of one text
    # exactly when none of its inner characters is a space.
    solid = points != _SPACE
    found = []
    hashes = points
    inside: NDArray[np.bool_] | None = None
    for size in range(2, max(CHAR_SIZES) + 1):
        hashes = hashes[:-1] * _M + points[size - 1 :]
        if size < min(CHAR_SIZES):
            continue
        starts = max(len(points) - size + 1, 0)
        inner = solid[size - 2 : size - 2 + starts]
        inside = inner if inside is None else inside[:starts] & inner
        where = np.flatnonzero(inside)
        found.append((owner.take(where), hashes.take(where)))
    return found


def _word_ngrams(points: Words, owner: Words) -> list[tuple[Words, Words]]:
    edges = np.diff(_is_word(points).view(np.int8), prepend=np.int8(0), append=np.int8(0))
    first, after = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    powers, inverses = _powers(_MULTIPLIER, len(points)), _powers(_INVERSE, len(points))
    # Horner's rule over [first, after) is the difference of two prefix sums of c * M^-i, times M^(after-1).
    sums = np.cumsum(points * inverses[:-1], dtype=np.uint32)
    ones = (sums[after - 1] - sums[first] + points[first] * inverses[first]) * powers[after - 1]
    mine = owner[first]
    same = mine[1:] == mine[:-1]
    lengths = after - first
    twos = (ones[:-1] * _M + _SPACE) * powers[lengths[1:]] + ones[1:]
    return [(mine, ones), (mine[1:][same], twos[same])]


def _is_word(points: Words) -> NDArray[np.bool_]:
    ascii_ = points < 128
    if ascii_.all():
        return _ASCII_WORD[points]
    words = np.zeros(len(points), dtype=np.bool_)
    words[ascii_] = _ASCII_WORD[points[ascii_]]
    distinct, where = np.unique(points[~ascii_], return_inverse=True)
    words[~ascii_] = np.array([chr(c).isalnum() for c in distinct.tolist()])[where]
    return words


def _bucket(hashes: Words) -> Words:
    mixed = hashes ^ (hashes >> np.uint32(16))
    mixed *= np.uint32(0x85EBCA6B)
    mixed ^= mixed >> np.uint32(13)
    mixed *= np.uint32(0xC2B2AE35)
    mixed ^= mixed >> np.uint32(16)
    return mixed >> np.uint32(15)


def _powers(base: int, count: int) -> Words:
    return _power_table(base, max(count, 1).bit_length())[: count + 1]


@lru_cache(maxsize=8)
def _power_table(base: int, bits: int) -> Words:
    """base^0, base^1, ... modulo 2^32, 2^bits + 1 of them."""
    table = np.full((1 << bits) + 1, base, dtype=np.uint32)
    table[0] = 1
    return np.cumprod(table, dtype=np.uint32)
