"""Canonical JSON is RFC 8785 restricted to integers."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillstack.errors import IntegrityError
from skillstack.store import canonical

from .strategies import EXAMPLES, MANY, values

#: The example of RFC 8785, 3.2.3: keys in the order of their UTF-16 code units.
RFC_SORTING = {
    "\u20ac": "Euro Sign",
    "\r": "Carriage Return",
    "\ufb33": "Hebrew Letter Dalet With Dagesh",
    "1": "One",
    "\U0001f600": "Emoji: Grinning Face",
    "\u0080": "Control",
    "\u00f6": "Latin Small Letter O With Diaeresis",
}
RFC_ORDER = [
    "Carriage Return",
    "One",
    "Control",
    "Latin Small Letter O With Diaeresis",
    "Euro Sign",
    "Emoji: Grinning Face",
    "Hebrew Letter Dalet With Dagesh",
]


@MANY
@given(values)
def test_what_was_written_is_read_back(value):
    data = canonical.dumps(value)
    assert canonical.loads(data) == value
    assert json.loads(data) == value


@EXAMPLES
@given(st.dictionaries(st.text(st.characters(exclude_categories=("Cs",))), st.integers(0, 9)))
def test_equal_values_are_equal_bytes_whatever_order_they_were_built_in(value):
    backwards = dict(reversed(value.items()))
    assert canonical.dumps(backwards) == canonical.dumps(value)


@MANY
@given(st.lists(st.text(st.characters(exclude_categories=("Cs",))), unique=True))
def test_keys_stand_in_the_order_of_their_utf16_code_units(keys):
    written = list(json.loads(canonical.dumps(dict.fromkeys(keys))))
    units = [[int.from_bytes(k.encode("utf-16-be")[i : i + 2], "big") for i in range(0, 2 * len(k) + 2, 2)]
             for k in written]  # fmt: skip
    assert units == sorted(units)


def test_the_sorting_example_of_the_rfc():
    data = canonical.dumps(RFC_SORTING)
    assert list(json.loads(data).values()) == RFC_ORDER


def test_an_astral_key_stands_before_a_private_one_although_its_code_point_is_larger():
    assert canonical.dumps({"\ufb33": 1, "\U0001f600": 2}) == '{"\U0001f600":2,"\ufb33":1}'.encode()


def test_the_string_example_of_the_rfc():
    text = "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"/"
    expected = bytes.fromhex("22e282ac245c75303030665c6e4127425c225c5c5c5c5c222f22")
    assert canonical.dumps(text) == expected


def test_literals_and_nesting_example_of_the_rfc():
    assert canonical.dumps({"literals": [None, True, False]}) == b'{"literals":[null,true,false]}'
    value = {
        "1": {"f": {"f": "hi", "F": 5}, "\n": 56},
        "10": {},
        "": "empty",
        "a": {},
        "111": [{"e": "yes"}],
        "A": {},
    }
    assert canonical.dumps(value) == (
        b'{"":"empty","1":{"\\n":56,"f":{"F":5,"f":"hi"}},"10":{},"111":[{"e":"yes"}],"A":{},"a":{}}'
    )


@pytest.mark.parametrize(
    "value",
    [
        1.0,
        float("nan"),
        float("inf"),
        2**53,
        -(2**53),
        {1: 2},
        {"a": {None: 1}},
        "\ud800",
        {"\udfff": 1},
        b"x",
        {1},
    ],
)
def test_what_has_no_canonical_form_is_refused(value):
    with pytest.raises(ValueError):
        canonical.dumps(value)


def test_the_largest_integers_are_kept():
    assert canonical.loads(canonical.dumps([2**53 - 1, 1 - 2**53])) == [2**53 - 1, 1 - 2**53]


def test_nesting_beyond_32_is_refused_in_both_directions():
    value: object = []
    for _ in range(32):
        value = [value]
    assert canonical.loads(canonical.dumps(value)) == value
    with pytest.raises(ValueError):
        canonical.dumps([value])
    for depth in (34, 100_000):
        with pytest.raises(IntegrityError):
            canonical.loads(b"[" * depth + b"]" * depth)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"nul",
        b"NaN",
        b"[Infinity]",
        b"1.0",
        b"1e2",
        b"-0",
        b"9007199254740992",
        b"9" * 5000,
        b'{"a":1,"a":1}',
        b'{"a":1,"a":2}',
        b'{"b":1,"a":2}',
        b'{"a": 1}',
        b"[1]\n",
        b" [1]",
        b'"\\u0041"',
        b'"\\/"',
        b'"\\ud800"',
        b'"\\uD83D\\uDE00"',
        b'"\xff"',
        b'"\xed\xa0\x80"',
        b"\xef\xbb\xbf[]",
        b'"\x01"',
        b"[1,]",
    ],
)
def test_other_bytes_for_a_value_are_refused(data):
    with pytest.raises(IntegrityError):
        canonical.loads(data)


@MANY
@given(values, st.data())
def test_an_altered_byte_is_refused_or_another_value(value, data):
    written = bytearray(canonical.dumps(value))
    position = data.draw(st.integers(0, len(written) - 1))
    written[position] ^= data.draw(st.integers(1, 255))
    try:
        found = canonical.loads(bytes(written))
    except IntegrityError:
        return
    assert canonical.dumps(found) == bytes(written) != canonical.dumps(value)


@MANY
@given(st.binary(max_size=40))
def test_random_bytes_are_refused_or_canonical(data):
    try:
        value = canonical.loads(data)
    except IntegrityError:
        return
    assert canonical.dumps(value) == data


def test_the_error_names_what_was_read():
    with pytest.raises(IntegrityError, match="The node is no canonical JSON"):
        canonical.loads(b"{", what="The node")
