"""Hashed rows: how often each n-gram bucket occurs in each row, before any weighting.

Behind the two blocks of n-gram buckets stand three *flags*, which count once: the row has a second text
(`PAIR`), its texts have one line break in all, or two and more. Splitting at white space loses line
breaks, and they tell titled texts from plain ones. Letter case is left out on purpose: it tells some data
sets apart and then misleads on texts that are merely typed in another way.

The n-gram hash is specified so that it can be written again in any language:

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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from skillstack.errors import IntegrityError
from skillstack.store.canonical import sha256
from skillstack.store.rows import Row

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


PAIR = 2 * BLOCK
ONE_BREAK = PAIR + 1
MORE_BREAKS = PAIR + 2
BUCKETS = PAIR + 3

#: What these features are, for the digest of a router state. Change it when `ngrams` or `hash_rows` change.
SPEC = "words 1-2, chars 3-5, 2 x 2^17, pair, line breaks; 1"

# Text index and bucket share one 32-bit key; 13 bits of the former and 19 of the latter.
_SHIFT = np.uint32(19)
_MASK = np.uint32((1 << 19) - 1)
_CHUNK_TEXTS = 1 << 13

# Characters at once: the arrays of one chunk stay within a processor's cache.
_CHUNK_CHARACTERS = 1 << 16
_MOST = np.iinfo(np.uint16).max
_DTYPES = {"indptr": np.dtype(np.int64), "buckets": np.dtype(np.uint32), "counts": np.dtype(np.uint16)}


@dataclass(frozen=True)
class HashedRows:
    """Raw bucket counts of some rows, in compressed sparse rows.

    :ivar indptr: int64 [rows + 1]; row ``i`` has the entries ``indptr[i]`` to ``indptr[i + 1]``.
    :ivar buckets: uint32 [entries], ascending within a row, each below `BUCKETS`.
    :ivar counts: uint16 [entries], at least 1; 65,535 stands for any larger count.
    """

    indptr: NDArray[np.int64]
    buckets: NDArray[np.uint32]
    counts: NDArray[np.uint16]

    def __len__(self) -> int:
        return len(self.indptr) - 1

    @property
    def has_pair(self) -> NDArray[np.bool_]:
        """Bool [rows]: which rows have a second text."""
        found = np.zeros(len(self), dtype=np.bool_)
        found[self.owners()[self.buckets == PAIR]] = True
        return found

    def owners(self) -> NDArray[np.int64]:
        """Int64 [entries]: the row of each entry."""
        return np.repeat(np.arange(len(self)), np.diff(self.indptr))

    def take(self, rows: NDArray[np.int64]) -> HashedRows:
        """These rows in this order."""
        lengths = np.diff(self.indptr)[rows]
        indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        where = np.arange(indptr[-1]) + np.repeat(self.indptr[rows] - indptr[:-1], lengths)
        return HashedRows(indptr, self.buckets[where], self.counts[where])

    def without(self, *dropped: int) -> HashedRows:
        """The same rows without these buckets."""
        kept = ~np.isin(self.buckets, np.array(dropped, dtype=np.uint32))
        before = np.concatenate([np.zeros(1, np.int64), np.cumsum(kept, dtype=np.int64)])
        return HashedRows(before[self.indptr], self.buckets[kept], self.counts[kept])

    def row_keys(self) -> list[bytes]:
        """One byte string per row that says what is in it, equal for equal rows alone."""
        bounds = self.indptr.tolist()
        return [
            self.buckets[a:b].astype(">u4").tobytes() + self.counts[a:b].astype(">u2").tobytes()
            for a, b in pairwise(bounds)
        ]

    def digest(self) -> str:
        """SHA-256 (hex) over the counts, whatever the order of the rows."""
        return sha256(b"".join(sorted(sha256(key).encode() for key in self.row_keys())))

    def to_tensors(self) -> dict[str, NDArray[np.generic]]:
        """The arrays by name, for a safetensors file."""
        return {"indptr": self.indptr, "buckets": self.buckets, "counts": self.counts}

    @classmethod
    def from_tensors(cls, arrays: Mapping[str, NDArray[np.generic]]) -> HashedRows:
        """Hashed rows from their arrays, checked.

        :raises IntegrityError: if an array is missing, has another dtype or shape, or the three do not fit.
        """
        if {name: array.dtype for name, array in arrays.items()} != _DTYPES:
            raise IntegrityError("Hashed rows have other tensors than they should.", "The file is damaged.")
        rows = cls(*(arrays[name] for name in _DTYPES))  # type: ignore[arg-type]
        if not rows._consistent():
            raise IntegrityError("The tensors of hashed rows do not fit together.", "The file is damaged.")
        return rows

    def _consistent(self) -> bool:
        if not (self.indptr.ndim == self.buckets.ndim == self.counts.ndim == 1 and len(self.indptr)):
            return False
        if self.indptr[0] != 0 or self.indptr[-1] != len(self.buckets) or (np.diff(self.indptr) < 0).any():
            return False
        if len(self.buckets) != len(self.counts):
            return False
        if (self.buckets >= BUCKETS).any() or (self.counts == 0).any():
            return False
        keys = self.owners() * BUCKETS + self.buckets
        return bool((np.diff(keys) > 0).all())


def hash_rows(rows: Sequence[Row]) -> HashedRows:
    """Count the n-grams of `Row.joined` of each row, and mark pairs."""
    texts = [row.joined for row in rows]
    lengths: list[NDArray[np.int64]] = []
    buckets: list[NDArray[np.uint32]] = []
    counts: list[NDArray[np.uint16]] = []
    for start, stop in _chunks(texts):
        keys = _keys(texts[start:stop], rows[start:stop])
        first = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]])) if len(keys) else keys
        unique = keys[first]
        counts.append(np.minimum(np.diff(first, append=len(keys)), _MOST).astype(np.uint16))
        buckets.append(unique & _MASK)
        lengths.append(np.bincount(unique >> _SHIFT, minlength=stop - start))
    if not lengths:
        return HashedRows(np.zeros(1, np.int64), np.zeros(0, np.uint32), np.zeros(0, np.uint16))
    indptr = np.concatenate([np.zeros(1, np.int64), np.cumsum(np.concatenate(lengths), dtype=np.int64)])
    return HashedRows(indptr, np.concatenate(buckets), np.concatenate(counts))


def join(parts: Sequence[HashedRows]) -> HashedRows:
    """All rows of these, one after the other; at least one part."""
    ends = np.cumsum([0] + [len(part.buckets) for part in parts])
    pointers = [part.indptr[1:] + end for part, end in zip(parts, ends.tolist(), strict=False)]
    return HashedRows(
        np.concatenate([np.zeros(1, np.int64), *pointers]),
        np.concatenate([part.buckets for part in parts]),
        np.concatenate([part.counts for part in parts]),
    )


def _keys(texts: Sequence[str], rows: Sequence[Row]) -> NDArray[np.uint32]:
    """One key per occurrence of a bucket in a text, ascending."""
    owners, buckets = ngrams(texts)
    flags = [i << int(_SHIFT) | flag for i, row in enumerate(rows) for flag in _flags(row)]
    keys = np.concatenate([owners << _SHIFT | buckets, np.array(flags, dtype=np.uint32)])
    keys.sort()
    return keys


def _flags(row: Row) -> list[int]:
    breaks = row.text[:MAX_TEXT].strip().count("\n")
    flags = []
    if row.text_pair is not None:
        breaks += row.text_pair[:MAX_TEXT].strip().count("\n")
        flags.append(PAIR)
    if breaks:
        flags.append(ONE_BREAK if breaks == 1 else MORE_BREAKS)
    return flags


def _chunks(texts: list[str]) -> list[tuple[int, int]]:
    bounds, start, size = [], 0, 0
    for stop, text in enumerate(texts):
        size += min(len(text), MAX_TEXT)
        if stop > start and (size > _CHUNK_CHARACTERS or stop - start >= _CHUNK_TEXTS):
            bounds.append((start, stop))
            start, size = stop, min(len(text), MAX_TEXT)
    if start < len(texts):
        bounds.append((start, len(texts)))
    return bounds
