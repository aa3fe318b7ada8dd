"""An adapter and its updates say the same, and a cut is the best that its rank allows."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillstack.compression.deltas import Adapter, Delta, adapter_of, spectrum, total
from skillstack.errors import MismatchError, UsageError
from skillstack.models.lora import LoraSpec
from skillstack.store.tensors import dump

from .adapters import SPEC, START, adapter, close, deltas, of_rank, specs, updates

QUERY = f"{START}1.query"

SHAPES = st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(0, 12), st.integers(0, 99))


def deltas_of(tensors, spec):
    """What an adapter adds to each layer."""
    return Adapter(tensors, spec).deltas()


def truncated(delta, rank):
    """The best approximation of a rank."""
    return spectrum(delta).cut(rank)


def random_delta(outputs: int, inputs: int, rank: int, seed: int) -> Delta:
    chance = np.random.default_rng(seed)
    return Delta(chance.normal(size=(outputs, rank)), chance.normal(size=(rank, inputs)))


@given(specs, st.integers(0, 100))
def test_an_update_is_b_times_a_with_the_scaling_applied(spec, seed):
    tensors = adapter(seed, spec)
    found, wanted = deltas_of(tensors, spec), updates(tensors, spec)
    assert found.keys() == wanted.keys()
    for layer, delta in found.items():
        assert close(delta.dense(), wanted[layer], 1e-12)
        assert delta.norm == pytest.approx(np.linalg.norm(wanted[layer]))
        assert close(delta.scaled(-0.5).dense(), -0.5 * wanted[layer], 1e-12)


@given(specs, st.integers(0, 100))
def test_an_adapter_made_of_updates_makes_the_same_updates(spec, seed):
    tensors = adapter(seed, spec)
    found = adapter_of(deltas_of(tensors, spec), spec.r, spec)
    made, shape = found.tensors, found.spec
    assert shape.scaling == 1.0
    assert not shape.rslora
    assert (shape.targets, shape.first_layer) == (spec.targets, spec.first_layer)
    assert {name: value.shape for name, value in made.items()} == {n: v.shape for n, v in tensors.items()}
    found, wanted = updates(made, shape), updates(tensors, spec)
    for layer in wanted:
        assert close(found[layer], wanted[layer], 1e-6)


def test_equal_input_gives_equal_bytes_whichever_way_its_factors_are_turned():
    tensors = adapter(1)
    first = adapter_of(deltas_of(tensors, SPEC), 4, SPEC).tensors
    again = adapter_of(
        deltas_of({name: tensors[name].copy() for name in sorted(tensors)}, SPEC), 4, SPEC
    ).tensors
    assert dump(first) == dump(again)
    # With all signs of A and B turned round the update is the same, number for number.
    turned = adapter_of(deltas_of({name: -value for name, value in tensors.items()}, SPEC), 4, SPEC).tensors
    assert all(np.allclose(first[name], turned[name], atol=1e-6) for name in first)


def test_the_factors_are_balanced_and_their_signs_are_fixed():
    made = adapter_of(deltas_of(adapter(2), SPEC), 4, SPEC).tensors
    down, up = made[f"{QUERY}.lora_A.weight"], made[f"{QUERY}.lora_B.weight"]
    assert np.allclose(np.linalg.norm(down, axis=1), np.linalg.norm(up, axis=0), rtol=1e-5)
    assert np.all(np.diff(np.linalg.norm(down, axis=1)) <= 0)
    assert all(column[np.argmax(np.abs(column))] > 0 for column in up.T)


def test_layers_that_need_less_are_filled_up_with_zeros():
    parts = deltas_of(adapter(3), SPEC)
    parts[QUERY] = truncated(parts[QUERY], 2)
    found = adapter_of(parts, 6, SPEC)
    made = found.tensors
    assert found.spec.r == found.spec.alpha == 6
    assert made[f"{QUERY}.lora_A.weight"].shape == (6, 12)
    assert not made[f"{QUERY}.lora_A.weight"][2:].any()
    assert not made[f"{QUERY}.lora_B.weight"][:, 2:].any()


def test_an_adapter_that_changes_nothing_stays_one():
    nothing = {name: np.zeros_like(value) for name, value in adapter(1).items()}
    made = adapter_of(deltas_of(nothing, SPEC), 4, SPEC).tensors
    assert made.keys() == nothing.keys()
    assert not any(value.any() for value in made.values())


@given(SHAPES, st.integers(1, 10))
def test_a_cut_is_the_best_approximation_of_its_rank(shape, rank):
    delta = random_delta(*shape)
    dense = delta.dense()
    u, values, v = np.linalg.svd(dense, full_matrices=False)
    best = (u[:, :rank] * values[:rank]) @ v[:rank]
    cut = truncated(delta, rank)
    assert cut.rank <= rank
    assert cut.shape == delta.shape
    size = max(np.linalg.norm(dense), 1e-12)
    # The distance decides; of equal singular values either vector is best.
    assert abs(np.linalg.norm(dense - cut.dense()) - np.linalg.norm(dense - best)) <= 1e-7 * size
    found = spectrum(delta).values
    count = len(found)
    assert found == pytest.approx(values[:count], rel=1e-6, abs=1e-7 * size)
    assert not np.any(values[count:] > 1e-7 * size)


@given(SHAPES)
def test_a_decomposition_is_orthonormal_and_loses_nothing(shape):
    delta = random_delta(*shape)
    found = spectrum(delta)
    assert close((found.left * found.values) @ found.right, delta.dense(), 1e-10)
    assert np.allclose(found.left.T @ found.left, np.eye(len(found.values)), atol=1e-9)
    assert np.allclose(found.right @ found.right.T, np.eye(len(found.values)), atol=1e-6)


def test_what_cancels_out_is_nothing():
    one, _ = deltas(2)
    nothing = total([one, one], [1.0, -1.0])
    assert nothing.rank == 6
    assert nothing.norm < 1e-12
    assert len(spectrum(nothing).values) == 0
    assert truncated(nothing, 3).rank == 0


def test_a_factor_s_scale_hides_no_other_update():
    """One member has its size in A and another one in B; neither is rounding beside the other."""
    one, two = deltas(2)
    wild = total([Delta(one.left * 1e12, one.right / 1e12), Delta(two.left / 1e12, two.right * 1e12)], [1, 1])
    assert close(truncated(wild, 6).dense(), one.dense() + two.dense(), 1e-8)


def test_a_dense_update_is_one_too():
    for shape in ((9, 4), (4, 9), (5, 5)):
        matrix = np.random.default_rng(0).normal(size=shape)
        delta = Delta.of_dense(matrix)
        assert delta.shape == shape
        assert close(delta.dense(), matrix, 1e-15)
        assert delta.norm == pytest.approx(np.linalg.norm(matrix))
        assert close(truncated(delta, 5).dense(), matrix, 1e-12)


def test_a_sum_wants_one_weight_for_each_and_one_shape():
    one, two = deltas(2)
    assert close(total([one, two], [0.5, -2]).dense(), 0.5 * one.dense() - 2 * two.dense(), 1e-14)
    with pytest.raises(UsageError, match="weights"):
        total([one, two], [1.0])
    with pytest.raises(UsageError):
        total([], [])
    with pytest.raises(MismatchError, match="shapes"):
        total([one, Delta.zero((3, 3))], [1, 1])


@pytest.mark.parametrize("end", ["lora_A", "lora_B"])
@pytest.mark.parametrize("damage", ["missing", "rank", "dimensions", "whole numbers", "nan", "infinite"])
def test_a_damaged_adapter_is_refused_and_the_tensor_named(damage, end):
    tensors, name = adapter(1), f"{QUERY}.{end}.weight"
    if damage == "missing":
        del tensors[name]
    elif damage == "rank":
        tensors[name] = adapter(1, of_rank(3))[name]
    elif damage == "dimensions":
        tensors[name] = tensors[name][None]
    elif damage == "whole numbers":
        tensors[name] = tensors[name].astype(np.int32)
    else:
        tensors[name][0, 0] = np.nan if damage == "nan" else -np.inf
    with pytest.raises(MismatchError, match=rf"{end}\.weight") as caught:
        deltas_of(tensors, SPEC)
    assert caught.value.hint


def test_tensors_that_are_no_lora_adapter_are_refused():
    with pytest.raises(MismatchError, match="no tensors"):
        deltas_of({}, SPEC)
    with pytest.raises(MismatchError, match=r"classifier\.weight"):
        deltas_of({**adapter(1), "classifier.weight": np.zeros((2, 3), np.float32)}, SPEC)


def test_half_precision_is_computed_with_in_full():
    tensors = {name: value.astype(np.float16) for name, value in adapter(1).items()}
    wanted = updates({name: value.astype(np.float64) for name, value in tensors.items()}, SPEC)
    assert close(deltas_of(tensors, SPEC)[QUERY].dense(), wanted[QUERY], 1e-12)


def test_a_rank_below_one_makes_no_adapter():
    with pytest.raises(UsageError, match="rank 0"):
        adapter_of(deltas_of(adapter(1), SPEC), 0, SPEC)


def test_numbers_too_large_for_an_adapter_are_refused():
    huge = {name: value.astype(np.float64) * 1e200 for name, value in adapter(1).items()}
    with pytest.raises(MismatchError, match="too large"), np.errstate(all="ignore"):
        adapter_of(deltas_of(huge, SPEC), 4, SPEC)
    large = {name: value.astype(np.float64) * 1e60 for name, value in adapter(1).items()}
    with pytest.raises(MismatchError, match="too large"):
        adapter_of(deltas_of(large, SPEC), 4, SPEC)
    wide = LoraSpec(16, 8, 0.1, SPEC.targets, 1)
    with pytest.raises(MismatchError, match="too large"), np.errstate(all="ignore"):
        adapter_of(
            deltas_of({n: v.astype(np.float64) * 1e200 for n, v in adapter(1, wide).items()}, wide), 4, wide
        )


def test_rank_stabilised_scaling_counts():
    spec = dataclasses.replace(SPEC, rslora=True)
    plain, stabilised = deltas_of(adapter(1), SPEC)[QUERY], deltas_of(adapter(1), spec)[QUERY]
    assert stabilised.norm == pytest.approx(2 * plain.norm)
