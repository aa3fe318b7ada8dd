"""The n-gram hash does what its docstring says, letter for letter."""

import unicodedata
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillstack.routers.features import BLOCK, MAX_TEXT, ngrams, normalise


def bucket_by_hand(ngram: str) -> int:
    h = 0
    for character in ngram:
        h = (h * 2654435761 + ord(character)) % 2**32
    h ^= h >> 16
    h = h * 0x85EBCA6B % 2**32
    h ^= h >> 13
    h = h * 0xC2B2AE35 % 2**32
    h ^= h >> 16
    return h >> 15


def ngrams_by_hand(text: str) -> tuple[list[str], list[str]]:
    """Word n-grams and character n-grams, one character at a time."""
    words = unicodedata.normalize("NFKC", text[:MAX_TEXT]).lower().split()
    characters = [
        f" {word} "[i : i + size] for word in words for size in (3, 4, 5) for i in range(len(word) + 3 - size)
    ]
    tokens = []
    for word in words:
        kept = "".join(c if c.isalnum() or c == "_" else " " for c in word)
        tokens += kept.split()
    return tokens + [f"{a} {b}" for a, b in pairwise(tokens)], characters


def counted_by_hand(text: str) -> Counter[int]:
    words, characters = ngrams_by_hand(text)
    return Counter([bucket_by_hand(n) for n in words] + [BLOCK + bucket_by_hand(n) for n in characters])


def counted(texts: list[str]) -> list[Counter[int]]:
    owners, buckets = ngrams(texts)
    return [Counter(buckets[owners == i].tolist()) for i in range(len(texts))]


GOLDEN = {
    "a": [114798, 197601],
    "Card": [93754, 134002, 166484, 179133, 184810, 221801, 224595, 224826, 230180, 238003],
    "ﬁ ß": [21448, 67725, 111821, 166035, 196039, 211707, 260242],
}


@pytest.mark.parametrize("text", GOLDEN)
def test_golden_vectors_never_change(text: str) -> None:
    assert sorted(counted([text])[0].elements()) == GOLDEN[text]


@pytest.mark.parametrize(
    "text",
    ["", "   ", "a", "a b", "Please block my card!", "don't_x 42, it's", "naïve ÉCOLE", "日本 語 𝒳 x",
     "İstanbul ΟΔΟΣ", "हिन्दी", "e\u0301 \u2003 x\u00a0y", "tab\tand\nline\r\nbreak", "\x1c a \x85 b"],
)  # fmt: skip
def test_the_hash_is_the_one_specified(text: str) -> None:
    assert counted([text])[0] == counted_by_hand(text)


@given(st.lists(st.text(max_size=40), max_size=6))
def test_a_text_has_the_same_ngrams_in_any_batch(texts: list[str]) -> None:
    assert counted(texts) == [counted_by_hand(text) for text in texts]


def test_only_the_first_characters_are_read() -> None:
    long = "word " * (MAX_TEXT // 5)
    assert counted([long + "tail"])[0] == counted([long])[0]


def test_case_and_compatibility_forms_do_not_matter() -> None:
    assert normalise("  ＦＩＮＥ\n ﬁne ") == " fine fine "


def test_an_empty_batch_has_no_ngrams() -> None:
    owners, buckets = ngrams([])
    assert len(owners) == len(buckets) == 0
