"""Padding never counts."""

import pytest
import torch

from skillstack.errors import MismatchError
from skillstack.models.features import FEATURE_SCALE, last, mean, pool

HIDDEN = torch.tensor([[[1.0, 2.0], [3.0, 6.0], [99.0, 99.0]], [[5.0, 5.0], [1.0, 1.0], [0.0, 3.0]]])
MASK = torch.tensor([[1, 1, 0], [1, 1, 1]])


def test_the_mean_is_over_real_tokens():
    assert mean(HIDDEN, MASK).tolist() == [[2.0, 4.0], [2.0, 3.0]]


def test_the_last_real_token_is_taken():
    assert last(HIDDEN, MASK).tolist() == [[3.0, 6.0], [0.0, 3.0]]


def test_encoders_features_have_one_length():
    assert torch.allclose(pool(HIDDEN, MASK, "mean").norm(dim=1), torch.tensor(FEATURE_SCALE))


def test_features_are_float32_whatever_the_base_computes_in():
    for pooling in ("mean", "last"):
        assert pool(HIDDEN.to(torch.bfloat16), MASK, pooling).dtype == torch.float32


def test_another_pooling_is_refused():
    with pytest.raises(MismatchError, match="mean, last"):
        pool(HIDDEN, MASK, "max")
