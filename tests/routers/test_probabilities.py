"""Probabilities of logits, row by row, without a model."""

import subprocess
import sys
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from skillstack.routers.base import probabilities

ROOT = Path(__file__).resolve().parents[2]
LOGITS = arrays(
    np.float32, st.tuples(st.integers(1, 4), st.integers(1, 5)), elements=st.floats(-1e4, 1e4, width=32)
)


@given(LOGITS)
def test_each_row_sums_up_to_one_and_is_the_same_alone(logits):
    found = probabilities(logits)
    np.testing.assert_allclose(found.sum(axis=1), 1)
    assert (found >= 0).all()
    for row, one in zip(logits, found, strict=True):
        np.testing.assert_array_equal(probabilities(row), one)
        assert one[row.argmax()] == one.max()


def test_it_is_the_definition():
    np.testing.assert_allclose(
        probabilities(np.log(np.array([[1.0, 3.0], [2.0, 2.0]]))), [[0.25, 0.75], [0.5, 0.5]]
    )


def test_neither_it_nor_what_checks_names_loads_torch():
    code = (
        "import sys, skillstack.routers.base, skillstack.models.identity as n; n.check_device('cpu');"
        "from skillstack.models import sources, identity; print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
