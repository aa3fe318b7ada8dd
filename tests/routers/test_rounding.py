"""Rounded coefficients are near the given ones, and stay as they are when rounded again."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from skillstack.routers.blocks import combine, split

COEFFICIENTS = arrays(
    np.float32, array_shapes(min_dims=2, max_dims=2, max_side=5), elements=st.floats(-64, 64, width=32)
)


@given(COEFFICIENTS)
def test_each_coefficient_keeps_fifteen_bits_of_its_features_largest(given_: np.ndarray) -> None:
    kept = combine(*split(given_))
    largest = np.abs(given_.astype(float)).max(axis=1, keepdims=True)
    assert (np.abs(kept.astype(float) - given_) <= largest * 2.0**-14 + 2.0**-114).all()


@given(COEFFICIENTS)
def test_rounding_again_changes_nothing(given_: np.ndarray) -> None:
    whole, exponents = split(given_)
    again = split(combine(whole, exponents))
    assert (combine(*again) == combine(whole, exponents)).all()


def test_no_features_and_zeros_are_fine() -> None:
    assert combine(*split(np.zeros((0, 3)))).shape == (0, 3)
    assert not combine(*split(np.zeros((2, 3)))).any()
