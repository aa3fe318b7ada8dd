"""Kept states are the computed ones, within the bound."""

import pytest
import torch

from skillstack.models.encoding import encode
from skillstack.models.features import HiddenCache
from skillstack.models.split import SplitModel
from skillstack.store.records import Rendering

from .tiny import ROWS


@pytest.fixture
def cache(tiny_llama):
    """An empty cache of three rows."""
    return HiddenCache(SplitModel(tiny_llama, 2), encode(tiny_llama, ROWS, Rendering()))


@pytest.mark.parametrize("rows", [[0, 1, 2], [2, 0], [1]])
def test_kept_states_are_the_computed_ones(cache, rows):
    anew, mask = cache.forward(rows)
    assert cache.rows == 0
    cache.fill()
    kept, kept_mask = cache.forward(rows)
    assert torch.equal(mask, kept_mask)
    assert torch.allclose(anew[mask.bool()], kept[mask.bool()], atol=1e-5)
    assert not cache.states(rows)[0].requires_grad


def test_it_says_how_much_it_keeps(cache):
    seen = []
    cache.fill(batch_size=2, progress=seen.append)
    assert sum(seen) == cache.rows == 3
    assert cache.bytes == sum(cache.encoded.lengths) * 64 * 4
    cache.fill()
    assert cache.bytes == sum(cache.encoded.lengths) * 64 * 4


def test_beyond_the_bound_rows_are_computed_anew(tiny_llama):
    encoded = encode(tiny_llama, ROWS, Rendering())
    split = SplitModel(tiny_llama, 2)
    bounded = HiddenCache(split, encoded, max_bytes=encoded.lengths[1] * 64 * 4)
    bounded.fill(batch_size=1)
    assert bounded.rows == 1
    full = HiddenCache(split, encoded)
    full.fill()
    for rows in ([1], [0, 1, 2]):
        one, mask = bounded.forward(rows)
        two, _ = full.forward(rows)
        assert torch.allclose(one[mask.bool()], two[mask.bool()], atol=1e-5)


def test_without_a_cut_nothing_is_kept_and_the_whole_model_answers(tiny_llama):
    encoded = encode(tiny_llama, ROWS, Rendering())
    cache = HiddenCache(SplitModel(tiny_llama, 0), encoded)
    cache.fill()
    assert (cache.rows, cache.bytes) == (0, 0)
    states, mask = cache.forward([0, 1, 2])
    expected = tiny_llama.model(**encoded.batch([0, 1, 2]).inputs()).last_hidden_state
    assert torch.equal(states[mask.bool()], expected[mask.bool()])
