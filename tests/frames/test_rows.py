"""Rows that cannot be read as text are refused with what is wrong with them."""

from __future__ import annotations

import pytest

from skillstack.errors import InputError
from skillstack.store.rows import MAX_CHARACTERS, Row, check_row


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is empty"),
        (" \t\n", "is empty"),
        (None, "is not a string"),
        (b"x", "is not a string"),
        (3, "is not a string"),
        ("a\0b", "NUL"),
        ("a\ud800", "lone surrogate at character 1"),
        ("x" * 10_000_000, "10,000,000 characters"),
    ],
)
def test_a_text_that_cannot_be_used_is_refused(text, reason):
    with pytest.raises(InputError, match=reason):
        check_row(text)
    if text is not None:
        with pytest.raises(InputError, match=f"The second text.*{reason}"):
            check_row("fine", text)


def test_control_characters_and_long_texts_are_accepted():
    assert check_row("a\x07\x1b[31mb").text == "a\x07\x1b[31mb"
    assert len(check_row("x" * MAX_CHARACTERS).text) == MAX_CHARACTERS


def test_a_pair_is_joined_by_a_newline_for_the_router():
    assert check_row("a", "b").joined == "a\nb"
    assert check_row("a").joined == "a"
    assert check_row("a", "b").has_pair and not check_row("a").has_pair


def test_a_pair_and_its_joined_text_have_different_digests():
    assert (
        len({Row("a", "b").digest(), Row("a\nb").digest(), Row("ab").digest(), Row("b", "a").digest()}) == 4
    )
