"""Memory that runs out halves what passes at once; nothing is lost and nothing is done in vain."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from skillstack.errors import MissingError
from skillstack.models.base import Room, by_parts, fits, is_out_of_memory
from skillstack.models.encoding import encode
from skillstack.models.features import HiddenCache, features
from skillstack.models.split import SplitModel
from skillstack.store.records import Rendering

from .tiny import ROWS

bounds = st.none() | st.integers(1, 50)


@given(rows=st.integers(0, 100), learnt=bounds, asked=bounds)
def test_parts_hold_each_row_once_in_order_and_none_is_too_large(rows, learnt, asked):
    room = Room()
    room.most = learnt
    parts = room.parts(range(rows), asked)
    assert [row for part in parts for row in part] == list(range(rows))
    most = min(bound for bound in (learnt, asked, 100) if bound)
    assert all(1 <= len(part) <= most for part in parts)
    assert not parts or max(map(len, parts)) - min(map(len, parts)) <= 1


def test_without_a_bound_all_rows_pass_at_once():
    assert Room().parts([3, 1, 2]) == [[3, 1, 2]]


@pytest.mark.parametrize("error", [torch.OutOfMemoryError, MemoryError])
@given(rows=st.integers(1, 60), capacity=st.integers(1, 60))
def test_every_row_is_worked_on_once_whatever_fits(error, rows, capacity):
    room, done = Room(), []

    def work(part):
        if len(part) > capacity:
            raise error("CUDA out of memory.")
        done.extend(part)

    by_parts(list(range(rows)), room, work)
    assert done == list(range(rows))
    assert (room.most is None) == (rows <= capacity)
    tries = []
    by_parts(list(range(rows)), room, lambda part: tries.append(len(part)))
    assert max(tries) <= capacity  # it was learnt


def test_one_row_that_does_not_fit_is_an_error_that_says_what_to_try():
    def work(part):
        raise MemoryError

    with pytest.raises(MissingError, match="single row") as caught:
        by_parts([1, 2, 3], Room(), work)
    assert "--max-length" in caught.value.hint


@pytest.mark.parametrize(
    ("error", "is_one"),
    [
        (MemoryError(), True),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."), True),
        (
            RuntimeError("[enforce fail at alloc_cpu.cpp:119] DefaultCPUAllocator: can't allocate memory"),
            True,
        ),
        (RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 8 bytes."), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"), True),
        (RuntimeError("CUDA error: out of memory"), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_memory_that_ran_out_is_told_from_other_errors(error, is_one):
    assert is_out_of_memory(error) == is_one


def test_other_errors_pass():
    def work():
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="mat1"):
        fits(work)


@pytest.fixture
def narrow(tiny_llama):
    """A base in which two rows at once are too many."""
    seen = []

    def hook(module, inputs, names):
        rows = (inputs[0] if inputs else names["hidden_states"]).shape[0]
        seen.append(rows)
        if rows > 1:
            raise torch.OutOfMemoryError("CUDA out of memory.")

    handle = tiny_llama.model.layers[0].register_forward_pre_hook(hook, with_kwargs=True)
    yield tiny_llama, seen
    handle.remove()
    tiny_llama.room.most = None


def test_features_are_the_same_row_by_row(narrow):
    base, seen = narrow
    encoded = encode(base, ROWS, Rendering())
    found = features(HiddenCache(SplitModel(base, 0), encoded))
    assert base.room.most == 1
    assert seen[0] == 3
    seen.clear()
    assert np.array_equal(features(HiddenCache(SplitModel(base, 0), encoded)), found)
    assert seen == [1, 1, 1]  # it is remembered for as long as the base is here
    assert np.isfinite(found).all()
    assert (np.abs(found).sum(axis=1) > 0).all()


def test_kept_states_that_fill_the_memory_are_given_up(tiny_llama):
    encoded = encode(tiny_llama, ROWS, Rendering())
    split = SplitModel(tiny_llama, 2)
    plain = features(HiddenCache(split, encoded))
    cache = HiddenCache(split, encoded)
    lower, passes = split.lower, []

    def failing(batch):
        passes.append(len(batch.input_ids))
        if len(passes) > 1:
            raise MemoryError
        return lower(batch)

    split.lower = failing
    cache.fill(batch_size=1)
    split.lower = lower
    assert (cache.rows, cache.bytes, tiny_llama.room.most) == (0, 0, None)
    assert np.allclose(features(cache), plain, atol=1e-5)


def test_parts_of_features_add_up_to_the_whole(minilm):
    cache = HiddenCache(SplitModel(minilm, 3), encode(minilm, ROWS, Rendering()))
    cache.fill()
    whole = features(cache, batch_size=1)
    parts = [features(cache, batch_size=1, place=place, places=2) for place in (0, 1)]
    assert np.array_equal(parts[0] + parts[1], whole)
    assert [(np.abs(part).sum(axis=1) > 0).sum() for part in parts] == [2, 1]
