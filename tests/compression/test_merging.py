"""Merge methods are found by name, and adapters that differ in all they may differ in become one."""

import dataclasses
import os
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillstack.compression.deltas import Adapter
from skillstack.compression.merging import METHODS, joint_spec, merge_adapters, merge_method
from skillstack.errors import MismatchError, UsageError
from skillstack.models.lora import LoraSpec
from skillstack.store.tensors import dump

from .adapters import SPEC, START, adapter, close, members, of_rank, updates, weighted_sums

SUM = {"lambda": 1.0}


def merged_at(members, method, *, rank, **options):
    """One merged adapter of members that are tensors and shapes."""
    (found,) = merge_adapters([Adapter(*one) for one in members], method, ranks=[rank], **options)
    return found


PAIR = [(adapter(1), SPEC), (adapter(2), SPEC)]


@given(members())
def test_with_rank_enough_a_merge_adds_what_the_dense_sum_adds(drawn):
    adapters, weights = drawn
    # No update of these small layers has a larger rank.
    merged = merged_at(adapters, "task-arithmetic", rank=12, weights=weights, settings=SUM)
    assert merged.spec.scaling == 1.0
    found, wanted = updates(merged.tensors, merged.spec), weighted_sums(adapters, weights)
    assert set(found) >= set(wanted)
    for layer, update in found.items():
        assert close(update, wanted[layer]) if layer in wanted else not update.any()


@given(members(), st.integers(1, 11))
def test_with_a_rank_too_small_it_adds_the_best_approximation(drawn, rank):
    adapters, weights = drawn
    merged = merged_at(adapters, "task-arithmetic", rank=rank, weights=weights, settings=SUM)
    assert (merged.spec.r, merged.spec.alpha) == (rank, rank)
    found, wanted = updates(merged.tensors, merged.spec), weighted_sums(adapters, weights)
    for layer, dense in wanted.items():
        u, values, v = np.linalg.svd(dense, full_matrices=False)
        best = (u[:, :rank] * values[:rank]) @ v[:rank]
        size = max(np.linalg.norm(dense), 1e-12)
        assert np.linalg.norm(found[layer] - dense) <= np.linalg.norm(best - dense) + 1e-6 * size


@pytest.mark.parametrize("method", METHODS)
def test_every_way_takes_members_of_other_ranks_scalings_and_layers(method):
    specs = [
        SPEC,
        LoraSpec(2, 7, 0.0, ("value",), 0, rslora=True),
        LoraSpec(9, 3, 0.1, ("query", "dense"), 2),
    ]
    adapters = [(adapter(seed, spec), spec) for seed, spec in enumerate(specs)]
    merged = merged_at(adapters, method, rank=5)
    assert merged.spec == LoraSpec(5, 5, 0.0, ("dense", "query", "value"), 0)
    # Values are adapted from layer 0 on, so queries and the rest are too, where they change nothing.
    assert merged.tensors.keys() == adapter(0, merged.spec).keys()
    assert {n: t.shape for n, t in merged.tensors.items()} == {
        n: t.shape for n, t in adapter(0, merged.spec).items()
    }
    assert all(tensor.dtype == np.float32 for tensor in merged.tensors.values())
    assert not merged.tensors[f"{START}0.query.lora_B.weight"].any()
    assert merged.tensors[f"{START}0.value.lora_B.weight"].any()


@pytest.mark.parametrize("method", METHODS)
def test_equal_input_gives_equal_bytes(method):
    first, again = (merged_at(PAIR, method, rank=4, seed=3) for _ in range(2))
    assert dump(first.tensors) == dump(again.tensors)


def test_the_bytes_do_not_depend_on_how_many_threads_there_are():
    code = """
import numpy as np
from skillstack.compression.deltas import Adapter
from skillstack.compression.merging import merge_adapters
from skillstack.store.canonical import sha256
from skillstack.store.tensors import dump
from skillstack.models.lora import LoraSpec

chance, spec = np.random.default_rng(0), LoraSpec(16, 16, 0.0, ("query",), 0)
shapes = {"A": (16, 384), "B": (384, 16)}
def member():
    name = "m.layer.0.query.lora_{}.weight"
    return {name.format(end): chance.normal(size=s).astype("f4") for end, s in shapes.items()}, spec
members = [Adapter(*member()) for _ in range(8)]
for method in ("linear", "ties", "knots"):
    print(sha256(dump(merge_adapters(members, method, ranks=[8])[0].tensors)))
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
    one, other = (merged_at(PAIR, "dare", rank=4, seed=seed) for seed in (0, 1))
    assert dump(one.tensors) != dump(other.tensors)
    one, other = (merged_at(PAIR, "linear", rank=4, seed=seed) for seed in (0, 1))
    assert dump(one.tensors) == dump(other.tensors)
    small = merged_at(PAIR, "task_arithmetic", rank=4, settings={"lambda": 0.3})
    large = merged_at(PAIR, "task_arithmetic", rank=4, settings={"lambda": 0.6})
    assert all(
        close(2 * update, updates(large.tensors, large.spec)[layer])
        for layer, update in updates(small.tensors, small.spec).items()
    )


def test_one_member_alone_is_itself():
    spec = dataclasses.replace(SPEC, rslora=True)
    merged = merged_at([(adapter(1, spec), spec)], "linear", rank=4)
    for layer, update in updates(adapter(1, spec), spec).items():
        assert close(updates(merged.tensors, merged.spec)[layer], update, 1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_members_that_change_nothing_give_an_adapter_that_changes_nothing(method):
    nothing = {name: np.zeros_like(value) for name, value in adapter(1).items()}
    merged = merged_at([(nothing, SPEC), (nothing, SPEC)], method, rank=3)
    assert merged.tensors.keys() == nothing.keys()
    assert not any(value.any() for value in merged.tensors.values())


def test_requests_that_mean_nothing_are_refused():
    for wrong, message in (
        (lambda: merged_at([], "linear", rank=4), "no adapter"),
        (lambda: merged_at(PAIR, "linear", rank=0), "rank 0"),
        (lambda: merged_at(PAIR, "linear", rank=4, weights=[1]), "1 weights do not fit 2"),
        (lambda: merged_at(PAIR, "linear", rank=4, weights=[1, float("inf")]), "finite"),
        (lambda: merged_at(PAIR, "linear", rank=4, weights=[1, -1]), "cancel"),
        (lambda: merged_at(PAIR, "linear", rank=4, settings={"lambda": 1}), "lambda"),
        (lambda: merged_at(PAIR, "average", rank=4), "average"),
    ):
        with pytest.raises(UsageError, match=message) as caught:
            wrong()
        assert caught.value.hint


def test_members_of_different_bases_are_refused_and_the_layer_named():
    other = adapter(2)
    other[f"{START}2.dense.lora_B.weight"] = np.zeros((24, 4), np.float32)
    with pytest.raises(MismatchError, match=r"layer\.2\.dense is \(24, 12\) in adapter 2 and \(20, 12\)"):
        merged_at([PAIR[0], (other, SPEC)], "linear", rank=4)


@pytest.mark.parametrize("method", METHODS)
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
        merged_at([PAIR[0], (bad, SPEC)], method, rank=4)
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


@pytest.mark.parametrize("method", METHODS)
def test_memory_is_bounded_by_one_layer_however_many_layers_and_members_there_are(method):
    """All dense updates at once would be 10 * 12 matrices."""
    adapters = _many(layers=12, count=10)
    merged_at(adapters[:1], method, rank=4)
    tracemalloc.start()
    merged_at(adapters, method, rank=4)
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
    merged = merged_at(adapters, "task-arithmetic", rank=8, settings=SUM)
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


def test_several_ranks_are_cuts_of_one_merge():
    each = [merged_at(PAIR, "ties", rank=rank) for rank in (4, 2, 1)]
    together = merge_adapters([Adapter(*one) for one in PAIR], "ties", ranks=[4, 2, 1])
    for one, other in zip(each, together, strict=True):
        assert one.spec == other.spec
        assert all(np.allclose(one.tensors[name], other.tensors[name], atol=1e-6) for name in one.tensors)


def test_every_name_leads_to_the_way_of_that_name():
    for name in METHODS:
        way = merge_method(name)
        assert way.name == name
        assert way.title
        assert "https://arxiv.org/abs/" in way.paper
        assert all(len(set(values)) == len(values) > 1 for values in way.grid.values())
        assert way.defaults == {setting: values[0] for setting, values in way.grid.items()}


def test_names_may_be_written_either_way_and_an_unknown_one_gets_the_nearest():
    assert merge_method("Task_Arithmetic").name == "task-arithmetic"
    with pytest.raises(UsageError, match="'ties'"):
        merge_method("tise")


def test_unknown_and_senseless_settings_are_refused():
    way = merge_method("ties")
    assert way.settled({"density": 0.3}) == {"density": 0.3, "lambda": 1.0}
    assert way.settled(None) == way.defaults
    with pytest.raises(UsageError, match="density"):
        way.settled({"denisty": 0.3})
    with pytest.raises(UsageError, match="finite"):
        way.settled({"lambda": float("nan")})


def test_merging_loads_no_model_library():
    code = (
        "import sys; import skillstack.compression.merging; "
        "print({'torch', 'transformers', 'peft', 'sklearn', 'scipy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
