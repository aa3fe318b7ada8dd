"""Every answer survives the way into a file and back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillstack.continual.cell import from_hex, to_hex


@given(st.lists(st.booleans(), max_size=70))
def test_there_and_back(mask):
    given_mask = np.array(mask, dtype=bool)
    np.testing.assert_array_equal(from_hex(to_hex(given_mask), len(mask)), given_mask)


def test_the_first_row_is_the_highest_bit():
    assert to_hex(np.array([True, False, False, False, False, False, False, True, True])) == "8180"


@pytest.mark.parametrize(("text", "rows"), [("80", 9), ("8000", 8), ("81", 7), ("8", 4), ("zz", 8)])
def test_what_is_no_such_mask_is_an_error(text, rows):
    with pytest.raises(ValueError):
        from_hex(text, rows)
