"""A sealed record carries the digest of itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillstack.errors import IntegrityError
from skillstack.store import canonical
from skillstack.store.canonical import seal, unseal

from .strategies import EXAMPLES, texts, values

records = st.dictionaries(texts.filter(lambda key: key != "sum"), values, max_size=4)


@EXAMPLES
@given(records)
def test_a_sealed_record_is_read_back(record):
    assert unseal(seal(record), what="It") == record


@EXAMPLES
@given(records, st.data())
def test_every_flipped_bit_shows(record, data):
    sealed = bytearray(seal(record))
    bit = data.draw(st.integers(0, 8 * len(sealed) - 1))
    sealed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(IntegrityError):
        unseal(bytes(sealed), what="It")


def test_every_bit_of_one_record():
    sealed = seal({"stack": "main"})
    for bit in range(8 * len(sealed)):
        altered = bytearray(sealed)
        altered[bit // 8] ^= 1 << bit % 8
        with pytest.raises(IntegrityError):
            unseal(bytes(altered), what="It")


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"[]", b"1", b'{"a":1}', b'{"a":1,"sum":null}', b'{"a":1,"sum":"x"}']
)
def test_what_carries_no_fitting_sum_is_refused(data):
    with pytest.raises(IntegrityError):
        unseal(data, what="It")


def test_a_record_with_a_sum_of_its_own_cannot_be_sealed():
    with pytest.raises(ValueError):
        seal({"sum": 3})


def test_a_missing_field_shows():
    value = canonical.loads(seal({"a": 1, "b": 2}))
    del value["a"]
    with pytest.raises(IntegrityError):
        unseal(canonical.dumps(value), what="It")
