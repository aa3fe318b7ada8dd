"""Tensor files: safetensors, the same bytes every time, and every check before an allocation."""

from __future__ import annotations

import contextlib
import json
import tracemalloc

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import example, given
from hypothesis import strategies as st

from skillstack.errors import IntegrityError
from skillstack.store import tensors

from .builders import numbers
from .strategies import EXAMPLES, MANY, tensor_dicts, texts


def file(header: object, data: bytes = b"", length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + data


def same(one: dict, other: dict) -> bool:
    return one.keys() == other.keys() and all(
        one[k].dtype == other[k].dtype
        and one[k].shape == other[k].shape
        and one[k].tobytes() == other[k].tobytes()
        for k in one
    )


@EXAMPLES
@given(tensor_dicts, st.dictionaries(texts, texts, max_size=2))
def test_tensors_and_metadata_are_read_back(value, metadata):
    data = tensors.dump(value, metadata)
    assert same(tensors.load(data), value)
    assert tensors.metadata(data) == metadata


@EXAMPLES
@given(tensor_dicts)
def test_equal_tensors_are_equal_bytes_whatever_order_they_were_given_in(value):
    assert tensors.dump(dict(reversed(value.items()))) == tensors.dump(value)


@EXAMPLES
@given(tensor_dicts)
def test_the_reference_library_reads_the_same(value):
    found = safetensors.numpy.load(tensors.dump(value, {"format": "pt"}))
    assert same(found, value)


@EXAMPLES
@given(tensor_dicts)
def test_what_the_reference_library_wrote_is_readable(value):
    assert same(tensors.load(safetensors.numpy.save(value, {"format": "pt"})), value)


def test_layout_does_not_change_the_bytes():
    straight = numbers("x", 3, 4)
    assert tensors.dump({"x": np.asfortranarray(straight)}) == tensors.dump({"x": straight})
    assert tensors.dump({"x": straight.astype(">f4")}) == tensors.dump({"x": straight})


def test_what_was_read_cannot_be_changed_by_accident():
    found = tensors.load(tensors.dump({"x": numbers("x", 2, 2)}))["x"]
    with pytest.raises(ValueError):
        found[0, 0] = 1


SMALL = tensors.dump({"a": numbers("a", 2, 3), "b": np.arange(4, dtype=np.int16)}, {"format": "pt"})
HEADER_END = 8 + int.from_bytes(SMALL[:8], "little")


def test_every_flipped_bit_of_a_header_is_refused_or_gives_tensors_of_the_same_bytes():
    for bit in range(8 * HEADER_END):
        altered = bytearray(SMALL)
        altered[bit // 8] ^= 1 << bit % 8
        try:
            found = tensors.load(bytes(altered))
        except IntegrityError:
            continue
        # A renamed tensor or another dtype of the same width is for the digest to see.
        assert sorted(len(t.tobytes()) for t in found.values()) == [8, 24]


def test_every_truncation_and_every_longer_file_is_refused():
    for length in range(len(SMALL)):
        with pytest.raises(IntegrityError):
            tensors.load(SMALL[:length])
    with pytest.raises(IntegrityError):
        tensors.load(SMALL + b"\0")


@MANY
@given(st.data())
def test_altered_bytes_never_raise_anything_else(data):
    altered = bytearray(SMALL)
    for _ in range(data.draw(st.integers(1, 4))):
        altered[data.draw(st.integers(0, HEADER_END - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(IntegrityError):
        tensors.load(bytes(altered))


entry_values = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 70) | st.sampled_from(["F32", "I8", "BF16", "", "x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=4,
)


@MANY
@given(st.dictionaries(st.sampled_from(["dtype", "shape", "data_offsets"]), entry_values), st.integers(0, 8))
@example({"dtype": "F32", "shape": {}, "data_offsets": [0, 4]}, 4)
@example({"dtype": "F32", "shape": "", "data_offsets": [0, 4]}, 4)
@example({"dtype": "I8", "shape": [1] * 65, "data_offsets": [0, 1]}, 1)
@example({"dtype": "I8", "shape": [True], "data_offsets": [0, 1]}, 1)
@example({"dtype": "I8", "shape": [0, 2**62], "data_offsets": [0, 0]}, 0)
@example({"dtype": "I8", "shape": [0, 2**40, 2**40], "data_offsets": [0, 0]}, 0)
@example({"dtype": "I8", "shape": [0, 5], "data_offsets": [0, 0]}, 0)
@example({"dtype": ["F32"], "shape": [1], "data_offsets": [0, 4]}, 4)
@example({"dtype": "F32", "shape": [-1], "data_offsets": [4, 0]}, 4)
@example({"dtype": "F32", "shape": [1], "data_offsets": [0, 4, 8]}, 4)
@example({"dtype": "F32", "shape": [1.0], "data_offsets": [0, 4]}, 4)
def test_an_entry_of_any_form_is_refused_or_read(entry, size):
    try:
        found = tensors.load(file({"x": entry}, bytes(size)))
    except IntegrityError:
        return
    assert found["x"].nbytes == size


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0" * 7,
        b"\0" * 8,
        file(b"[]"),
        file(b"{"),
        file(b"\xff"),
        file(b"[" * 100_000),
        file(b'{"x":' + b"9" * 5000 + b"}"),
        file(b'{"x":1,"x":1}'),
        file({"x": 1}),
        file({"x": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}, bytes(8)),
        file({"x": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}}, bytes(8)),
        file(
            {
                "x": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]},
                "y": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]},
            },
            bytes(4),
        ),
        file({"__metadata__": []}),
        file({"__metadata__": {"format": 1}}),
    ],
)
def test_an_impossible_file_is_refused(data):
    with pytest.raises(IntegrityError):
        tensors.load(data)
    with pytest.raises(IntegrityError):
        tensors.metadata(data)


@pytest.mark.parametrize("length", [2**63, 2**64 - 1, 2**40, 10**9, 9 << 20])
def test_a_huge_header_length_is_refused_without_an_allocation(length):
    data = file({}, bytes(100), length)
    tracemalloc.start()
    try:
        with pytest.raises(IntegrityError, match="header length"):
            tensors.load(data)
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()


def test_a_huge_shape_is_refused_without_an_allocation():
    data = file({"x": {"dtype": "F32", "shape": [2**40, 2**40], "data_offsets": [0, 2**50]}}, bytes(64))
    tracemalloc.start()
    try:
        with pytest.raises(IntegrityError):
            tensors.load(data)
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", ["<f2", "<f4", "<f8"])
def test_a_number_that_is_not_finite_is_neither_written_nor_read(value, dtype):
    array = np.array([1.0, value], dtype=dtype)
    with pytest.raises(ValueError, match="not finite"):
        tensors.dump({"x": array})
    with pytest.raises(IntegrityError, match="not finite"):
        tensors.load(safetensors.numpy.save({"x": array}))


def test_what_the_format_does_not_have_is_not_written():
    for name, array in (("x", np.array(["a"])), ("x", np.array([1j])), ("__metadata__", numbers("x", 1))):
        with pytest.raises(ValueError):
            tensors.dump({name: array})


def test_the_error_names_the_file():
    with pytest.raises(IntegrityError, match=r"heads/x\.safetensors"):
        tensors.load(b"", what="heads/x.safetensors")
