"""Derived files come back as they were written, or not at all."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from skillstack.errors import IntegrityError, StoreError
from skillstack.store import files as atomic
from skillstack.store.derived import Derived, decode, encode, needed_by, needs

KEY, OTHER = "a" * 64, "b" * 64
VALUES = {"logits": np.arange(6, dtype=np.float32).reshape(2, 3), "rows": np.ones((2, 32), dtype=np.uint8)}
TENSORS = st.dictionaries(
    st.sampled_from(["logits", "rows", "weight"]),
    arrays.arrays(
        st.sampled_from([np.float32, np.uint8, np.int64]),
        arrays.array_shapes(max_dims=2, max_side=4),
        elements={"allow_nan": False, "allow_infinity": False},
    ),
)


def same(found, wanted):
    return found is not None and {name: array.tolist() for name, array in found.items()} == {
        name: array.tolist() for name, array in wanted.items()
    }


@given(TENSORS)
def test_what_is_written_is_read(values):
    found = decode(encode(values, KEY), KEY)
    assert same(found, values)
    assert all(found[name].dtype == values[name].dtype for name in values)


def test_a_file_lies_under_its_kind_and_key(place):
    files = Derived(place, "predictions-1")
    files.write(KEY, VALUES)
    assert files.path(KEY) == place / "predictions-1" / f"{KEY}.safetensors"
    assert same(files.read(KEY), VALUES)
    assert files.read(OTHER) is None
    assert Derived(place, "predictions-2").read(KEY) is None


def test_one_flipped_bit_anywhere_and_it_is_not_believed():
    data = encode(VALUES, KEY)
    for bit in range(8 * len(data)):
        altered = bytearray(data)
        altered[bit // 8] ^= 1 << bit % 8
        with pytest.raises(IntegrityError):
            decode(bytes(altered), KEY)


def test_a_file_cut_short_is_not_believed(place):
    files = Derived(place, "predictions-1")
    files.write(KEY, VALUES)
    data = files.path(KEY).read_bytes()
    for length in (0, 7, len(data) // 2, len(data) - 1):
        files.path(KEY).write_bytes(data[:length])
        assert files.read(KEY) is None
    files.write(KEY, VALUES)
    assert same(files.read(KEY), VALUES)


def test_a_file_under_another_key_is_not_believed(place):
    files = Derived(place, "predictions-1")
    files.write(KEY, VALUES)
    files.path(KEY).rename(files.path(OTHER))
    assert files.read(OTHER) is None


@pytest.mark.parametrize("key", ["", "../../etc/passwd", "A" * 64, "a" * 63])
def test_a_key_that_is_no_digest_is_no_path(place, key):
    with pytest.raises(StoreError):
        Derived(place, "predictions-1").path(key)


def test_a_disk_that_refuses_keeps_nothing_and_raises_nothing(place, monkeypatch):
    def refuse(*arguments):
        raise StoreError("The disk is full.")

    files = Derived(place, "predictions-1")
    monkeypatch.setattr(atomic, "write_file", refuse)
    files.write(KEY, VALUES)
    assert files.read(KEY) is None


def test_a_file_names_the_behaviours_that_it_serves():
    found = decode(encode({**VALUES, **needs([KEY, OTHER])}, KEY), KEY)
    assert needed_by(found) == {KEY, OTHER}
    assert needed_by(VALUES) is None
