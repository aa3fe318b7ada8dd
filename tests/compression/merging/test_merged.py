"""Adapters that differ in all they may differ in become one that a base's slot and PEFT take."""

import dataclasses
import os
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skillstack.compression.merging import registry
from skillstack.compression.merging.merged import joint_spec, merge_adapters
from skillstack.errors import MismatchError, UsageError
from skillstack.models.lora import LoraSpec
from skillstack.store.tensors import dump

from .adapters import SPEC, START, adapter, close, members, of_rank, updates, weighted_sums

SUM = {"lambda": 1.0}
PAIR = [(adapter(1), SPEC), (adapter(2), SPEC)]


@given(members())
def test_with_rank_enough_a_merge_adds_what_the_dense_sum_adds(drawn):
    adapters, weights = drawn
    # No update of these small layers has a larger rank.
    merged = merge_adapters(adapters, "task-arithmetic", rank=12, weights=weights, settings=SUM)
    assert merged.spec.scaling == 1.0
    found, wanted = updates(merged.tensors, merged.spec), weighted_sums(adapters, weights)
    assert set(found) >= set(wanted) == set(merged.kept)
    for layer, update in found.items():
        assert close(update, wanted[layer]) if layer in wanted else not update.any()
    assert merged.lost < 1e-6


@settings(max_examples=40)
@given(members(), st.integers(1, 11))
def test_with_a_rank_too_small_it_adds_the_best_approximation(drawn, rank):
    adapters, weights = drawn
    merged = merge_adapters(adapters, "task-arithmetic", rank=rank, weights=weights, settings=SUM)
    assert (merged.spec.r, merged.spec.alpha) == (rank, rank)
    found, wanted = updates(merged.tensors, merged.spec), weighted_sums(adapters, weights)
    whole = left_out = 0.0
    for layer, dense in wanted.items():
        u, values, v = np.linalg.svd(dense, full_matrices=False)
        best = (u[:, :rank] * values[:rank]) @ v[:rank]
        size = max(np.linalg.norm(dense), 1e-12)
        assert np.linalg.norm(found[layer] - dense) <= np.linalg.norm(best - dense) + 1e-6 * size
        energy = float(np.sum(values**2))
        assert merged.kept[layer] == pytest.approx(
            np.sum(values[:rank] ** 2) / energy if energy > 1e-20 else 1, abs=1e-6
        )
        whole, left_out = whole + energy, left_out + float(np.sum(values[rank:] ** 2))
    assert merged.lost == pytest.approx((left_out / whole) ** 0.5 if whole > 1e-20 else 0, abs=1e-6)


@pytest.mark.parametrize("method", registry.names())
def test_every_way_takes_members_of_other_ranks_scalings_and_layers(method):
    specs = [
        SPEC,
        LoraSpec(2, 7, 0.0, ("value",), 0, rslora=True),
        LoraSpec(9, 3, 0.1, ("query", "dense"), 2),
    ]
    adapters = [(adapter(seed, spec), spec) for seed, spec in enumerate(specs)]
    merged = merge_adapters(adapters, method, rank=5)
    assert merged.spec == LoraSpec(5, 5, 0.0, ("dense", "query", "value"), 0)
    # Values are adapted from layer 0 on, so queries and the rest are too, where they change nothing.
    assert merged.tensors.keys() == adapter(0, merged.spec).keys()
    assert {n: t.shape for n, t in merged.tensors.items()} == {
        n: t.shape for n, t in adapter(0, merged.spec).items()
    }
    assert all(tensor.dtype == np.float32 for tensor in merged.tensors.values())
    assert not merged.tensors[f"{START}0.query.lora_B.weight"].any()
    assert merged.tensors[f"{START}0.value.lora_B.weight"].any()
    assert 0 < merged.lost < 1
    assert all(0 < share <= 1 for share in merged.kept.values())
    assert len(merged.kept) == 7


@pytest.mark.parametrize("method", registry.names())
def test_equal_input_gives_equal_bytes(method):
    first, again = (merge_adapters(PAIR, method, rank=4, seed=3) for _ in range(2))
    assert dump(first.tensors) == dump(again.tensors)
    assert (first.lost, first.kept) == (again.lost, again.kept)


def test_the_bytes_do_not_depend_on_how_many_threads_there_are():
    code = """
import numpy as np
from skillstack.compression.merging.merged import merge_adapters
from skillstack.store.canonical import sha256
from skillstack.store.tensors import dump
from skillstack.models.lora import LoraSpec

chance, spec = np.random.default_rng(0), LoraSpec(16, 16, 0.0, ("query",), 0)
shapes = {"A": (16, 384), "B": (384, 16)}
def member():
    name = "m.layer.0.query.lora_{}.weight"
    return {name.format(end): chance.normal(size=s).astype("f4") for end, s in shapes.items()}, spec
members = [member() for _ in range(8)]
for method in ("linear", "ties", "knots"):
    print(sha256(dump(merge_adapters(members, method, rank=8).tensors)))
"""
    digests = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "OPENBLAS_NUM_THREADS": threads, "OMP_NUM_THREADS": threads},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for threads in ("1", "4")
    }
    assert len(digests) == 1


def test_another_seed_or_setting_gives_another_adapter_where_it_counts():
    one, other = (merge_adapters(PAIR, "dare", rank=4, seed=seed) for seed in (0, 1))
    assert dump(one.tensors) != dump(other.tensors)
    one, other = (merge_adapters(PAIR, "linear", rank=4, seed=seed) for seed in (0, 1))
    assert dump(one.tensors) == dump(other.tensors)
    small = merge_adapters(PAIR, "task_arithmetic", rank=4, settings={"lambda": 0.3})
    large = merge_adapters(PAIR, "task_arithmetic", rank=4, settings={"lambda": 0.6})
    assert all(
        close(2 * update, updates(large.tensors, large.spec)[layer])
        for layer, update in updates(small.tensors, small.spec).items()
    )


def test_one_member_alone_is_itself():
    spec = dataclasses.replace(SPEC, rslora=True)
    merged = merge_adapters([(adapter(1, spec), spec)], "linear", rank=4)
    assert merged.lost == 0
    for layer, update in updates(adapter(1, spec), spec).items():
        assert close(updates(merged.tensors, merged.spec)[layer], update, 1e-6)


@pytest.mark.parametrize("method", registry.names())
def test_members_that_change_nothing_give_an_adapter_that_changes_nothing(method):
    nothing = {name: np.zeros_like(value) for name, value in adapter(1).items()}
    merged = merge_adapters([(nothing, SPEC), (nothing, SPEC)], method, rank=3)
    assert merged.tensors.keys() == nothing.keys()
    assert not any(value.any() for value in merged.tensors.values())
    assert merged.lost == 0
    assert set(merged.kept.values()) == {1.0}


def test_requests_that_mean_nothing_are_refused():
    for wrong, message in (
        (lambda: merge_adapters([], "linear", rank=4), "no adapter"),
        (lambda: merge_adapters(PAIR, "linear", rank=0), "rank 0"),
        (lambda: merge_adapters(PAIR, "linear", rank=4, weights=[1]), "1 weights do not fit 2"),
        (lambda: merge_adapters(PAIR, "linear", rank=4, weights=[1, float("inf")]), "finite"),
        (lambda: merge_adapters(PAIR, "linear", rank=4, weights=[1, -1]), "cancel"),
        (lambda: merge_adapters(PAIR, "linear", rank=4, settings={"lambda": 1}), "lambda"),
        (lambda: merge_adapters(PAIR, "average", rank=4), "average"),
    ):
        with pytest.raises(UsageError, match=message) as caught:
            wrong()
        assert caught.value.hint


def test_members_of_different_bases_are_refused_and_the_layer_named():
    other = adapter(2)
    other[f"{START}2.dense.lora_B.weight"] = np.zeros((24, 4), np.float32)
    with pytest.raises(MismatchError, match=r"layer\.2\.dense is \(24, 12\) in adapter 2 and \(20, 12\)"):
        merge_adapters([PAIR[0], (other, SPEC)], "linear", rank=4)


@pytest.mark.parametrize("method", registry.names())
@pytest.mark.parametrize("damage", ["nan", "partner", "rank", "huge"])
def test_damaged_members_are_refused(method, damage):
    bad, name = adapter(2), f"{START}2.dense.lora_B.weight"
    if damage == "nan":
        bad[name][3, 1] = np.nan
    elif damage == "partner":
        del bad[name]
    elif damage == "rank":
        bad = adapter(2, of_rank(3))
    else:
        bad[name] = bad[name].astype(np.float64) * 1e300
    with pytest.raises(MismatchError) as caught, np.errstate(all="ignore"):
        merge_adapters([PAIR[0], (bad, SPEC)], method, rank=4)
    assert caught.value.hint


def test_the_joint_shape_covers_every_member():
    specs = [LoraSpec(8, 16, 0.1, ("query",), 3, rslora=True), LoraSpec(4, 8, 0.0, ("value", "query"), 1)]
    assert joint_spec(specs, 6) == LoraSpec(6, 6, 0.0, ("query", "value"), 1)


def _many(layers: int, count: int) -> list:
    chance = np.random.default_rng(0)
    spec = LoraSpec(4, 4, 0.0, ("up",), 0)
    return [
        (
            {
                f"m.layer.{n}.up.lora_{end}.weight": chance.normal(size=shape).astype(np.float32)
                for n in range(layers)
                for end, shape in (("A", (4, 256)), ("B", (512, 4)))
            },
            spec,
        )
        for _ in range(count)
    ]


@pytest.mark.parametrize("method", registry.names())
def test_memory_is_bounded_by_one_layer_however_many_layers_and_members_there_are(method):
    """All dense updates at once would be 10 * 12 matrices."""
    adapters = _many(layers=12, count=10)
    merge_adapters(adapters[:1], method, rank=4)
    tracemalloc.start()
    merge_adapters(adapters, method, rank=4)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10 * 512 * 256 * 8


def test_a_merged_adapter_fits_the_slot_and_answers_as_the_sum_does(tiny_base):
    """Of members with other first layers and targets; the base itself says which tensors it wants."""
    import torch

    from skillstack.models.slot import Slot

    base, batch = tiny_base
    specs = [LoraSpec(2, 4, 0.0, ("query",), 2), LoraSpec(3, 5, 0.0, ("value", "dense"), 1, rslora=True)]
    slot = Slot(base)
    adapters = []
    for seed, spec in enumerate(specs):
        slot.start_fresh(spec, seed)
        chance = np.random.default_rng(seed)
        tensors = {n: chance.normal(0, 0.1, t.shape).astype(np.float32) for n, t in slot.read_out().items()}
        adapters.append((tensors, spec))
    slot.clear()
    merged = merge_adapters(adapters, "task-arithmetic", rank=8, settings=SUM)
    slot.copy_in(merged.tensors, merged.spec)
    with torch.no_grad():
        found = base.model(**batch).last_hidden_state
    slot.remove()
    weights = dict(base.whole.named_modules())
    for layer, update in weighted_sums(adapters, [1, 1]).items():
        module = weights[layer.removeprefix("base_model.model.")]
        module.weight.data += torch.tensor(update, dtype=torch.float32)
    with torch.no_grad():
        wanted = base.model(**batch).last_hidden_state
    assert torch.allclose(found, wanted, atol=1e-4)


def test_the_kept_share_says_how_much_of_a_layer_is_left():
    merged = merge_adapters(PAIR, "linear", rank=2)
    dense = weighted_sums(PAIR, [0.5, 0.5])[f"{START}1.query"]
    values = np.linalg.svd(dense, compute_uv=False)
    assert merged.kept[f"{START}1.query"] == pytest.approx(np.sum(values[:2] ** 2) / np.sum(values**2))
