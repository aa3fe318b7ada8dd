"""A swap replaces every tensor or fails; gradients never come on by themselves; PEFT reads what comes out."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from peft import PeftModel
from transformers import AutoModel, AutoModelForCausalLM

from skillstack.errors import MismatchError
from skillstack.models import sources
from skillstack.models.base import Base
from skillstack.models.loading import load_base
from skillstack.models.lora import LoraSpec
from skillstack.models.slot import Slot

from .tiny import batch_of, hidden, put_on_disk, random_adapter, shapes_of

MINILM = LoraSpec(8, 16, 0.05, ("query", "key", "value", "dense"), 3)
LLAMA = LoraSpec(4, 8, 0.05, ("q_proj", "k_proj", "v_proj", "o_proj"), 2)


@pytest.fixture(params=["minilm", "llama"])
def case(request: pytest.FixtureRequest, folders) -> Iterator[tuple[Base, LoraSpec]]:
    """A base and an adapter shape for it."""
    if request.param == "minilm":
        yield load_base("minilm", device="cpu"), MINILM
    else:
        yield load_base(str(folders.llama), device="cpu"), LLAMA


def trainable_names(base: Base) -> set[str]:
    return {name for name, p in base.whole.named_parameters() if p.requires_grad}


def test_a_fresh_adapter_changes_nothing_and_depends_on_its_seed_alone(case):
    base, spec = case
    alone = hidden(base)
    slot = Slot(base)
    slot.start_fresh(spec, seed=7)
    first = slot.read_out()
    assert torch.equal(hidden(base), alone)
    torch.rand(3)
    slot.start_fresh(spec, seed=7)
    assert all(np.array_equal(first[name], value) for name, value in slot.read_out().items())
    slot.start_fresh(spec, seed=8)
    assert any(not np.array_equal(first[name], value) for name, value in slot.read_out().items())


def test_a_swap_replaces_every_tensor(case):
    base, spec = case
    shapes = shapes_of(base, spec)
    slot = Slot(base)
    one, two = random_adapter(shapes, 1), random_adapter(shapes, 2)
    slot.copy_in(one, spec)
    states = hidden(base)
    slot.copy_in(two, spec)
    assert not torch.allclose(hidden(base), states)
    found = slot.read_out()
    assert found.keys() == two.keys()
    for name, value in found.items():
        assert np.array_equal(value, two[name])
    slot.copy_in(one, spec)
    assert torch.equal(hidden(base), states)


def test_cleared_the_base_answers_exactly_as_alone(case):
    base, spec = case
    shapes = shapes_of(base, spec)
    alone = hidden(base)
    slot = Slot(base)
    adapter = random_adapter(shapes, 3)
    slot.copy_in(adapter, spec)
    adapted = hidden(base)
    slot.clear()
    assert slot.spec is None
    assert torch.equal(hidden(base), alone)
    slot.copy_in(adapter, spec)
    assert torch.equal(hidden(base), adapted)
    slot.remove()
    assert torch.equal(hidden(base), alone)
    assert not any("lora" in name for name, _ in base.whole.named_modules())


@pytest.mark.parametrize("damage", ["missing", "unexpected", "shape", "whole numbers", "nan"])
def test_what_does_not_fit_is_refused_and_the_slot_stays_as_it_was(tiny_llama, damage):
    shapes = shapes_of(tiny_llama, LLAMA)
    slot = Slot(tiny_llama)
    good, bad = random_adapter(shapes, 1), random_adapter(shapes, 2)
    slot.copy_in(good, LLAMA)
    states = hidden(tiny_llama)
    last = sorted(bad)[-1]
    if damage == "missing":
        del bad[last]
    elif damage == "unexpected":
        bad["base_model.model.model.layers.3.mlp.up_proj.lora_A.weight"] = bad[last]
    elif damage == "shape":
        bad[last] = bad[last].T.copy()
    elif damage == "whole numbers":
        bad[last] = bad[last].astype(np.int32)
    else:
        bad[last][0, 0] = np.nan
    with pytest.raises(MismatchError):
        slot.copy_in(bad, LLAMA)
    assert all(np.array_equal(good[name], value) for name, value in slot.read_out().items())
    assert torch.equal(hidden(tiny_llama), states)


def test_an_adapter_of_another_base_is_refused_and_names_a_tensor(minilm, tiny_llama):
    other = random_adapter(shapes_of(minilm, MINILM), 1)
    with pytest.raises(MismatchError, match=r"missing, such as .*layers\.2.*unexpected, such as .*encoder"):
        Slot(tiny_llama).copy_in(other, LLAMA)


def test_a_swap_reaches_parameters_that_were_given_other_memory(tiny_llama):
    shapes = shapes_of(tiny_llama, LLAMA)
    slot = Slot(tiny_llama)
    one, two = random_adapter(shapes, 1), random_adapter(shapes, 2)
    slot.copy_in(two, LLAMA)
    states = hidden(tiny_llama)
    slot.copy_in(one, LLAMA)
    for parameter in slot.named_parameters().values():
        parameter.data = parameter.data.clone()
    slot.copy_in(two, LLAMA)
    assert torch.equal(hidden(tiny_llama), states)


def test_large_but_finite_numbers_are_accepted(tiny_llama):
    adapter = random_adapter(shapes_of(tiny_llama, LLAMA), 1)
    adapter[min(adapter)][0, 0] = 1e30
    Slot(tiny_llama).copy_in(adapter, LLAMA)


def test_frames_of_other_ranks_layers_and_scalings_follow_each_other(tiny_llama):
    specs = [
        LLAMA,
        LoraSpec(2, 8, 0.0, ("q_proj",), 0),
        LoraSpec(4, 8, 0.05, ("q_proj", "k_proj", "v_proj", "o_proj"), 2, rslora=True),
        LoraSpec(4, 32, 0.05, ("q_proj", "k_proj", "v_proj", "o_proj"), 2),
    ]
    adapters = [random_adapter(shapes_of(tiny_llama, spec), n) for n, spec in enumerate(specs)]
    alone = hidden(tiny_llama)
    slot = Slot(tiny_llama)
    seen = []
    for adapter, spec in zip(adapters, specs, strict=True):
        slot.copy_in(adapter, spec)
        seen.append(hidden(tiny_llama))
        assert slot.spec == spec
    for n in (2, 0, 3, 1):
        slot.copy_in(adapters[n], specs[n])
        assert torch.equal(hidden(tiny_llama), seen[n])
    # rsLoRA scales by alpha / sqrt(r): twice alpha / r for rank 4.
    slot.copy_in(adapters[0], specs[2])
    stronger = hidden(tiny_llama)
    slot.copy_in(adapters[0], LoraSpec(4, 16, 0.05, LLAMA.targets, 2))
    assert torch.allclose(hidden(tiny_llama), stronger, atol=1e-6)
    slot.clear()
    assert torch.equal(hidden(tiny_llama), alone)


def test_gradients_are_off_until_training_asks_and_off_again_after(case):
    base, spec = case
    shapes = shapes_of(base, spec)
    slot = Slot(base)
    assert trainable_names(base) == set()
    for seed in (1, 2):
        slot.copy_in(random_adapter(shapes, seed), spec)
        assert trainable_names(base) == set()
    parameters = slot.trainable()
    assert len(parameters) == len(shapes) == len(trainable_names(base))
    assert all("lora_" in name for name in trainable_names(base))
    slot.copy_in(random_adapter(shapes, 3), spec)
    assert trainable_names(base) == set()
    slot.trainable()
    slot.clear()
    assert trainable_names(base) == set()
    slot.copy_in(random_adapter(shapes, 3), spec)
    assert trainable_names(base) == set()


def test_only_the_adapter_has_dropout_and_only_in_training(tiny_llama):
    spec = LoraSpec(4, 8, 0.5, ("q_proj", "v_proj"), 0)
    shapes = shapes_of(tiny_llama, spec)
    slot = Slot(tiny_llama)
    slot.copy_in(random_adapter(shapes, 1), spec)
    still = hidden(tiny_llama)
    slot.trainable()
    modes = {name: module.training for name, module in tiny_llama.whole.named_modules()}
    assert all("lora_dropout" in name for name, training in modes.items() if training)
    assert not torch.equal(hidden(tiny_llama), hidden(tiny_llama))
    slot.freeze()
    assert torch.equal(hidden(tiny_llama), still)


def test_training_refuses_a_base_that_is_not_frozen(tiny_llama):
    slot = Slot(tiny_llama)
    slot.start_fresh(LLAMA, seed=1)
    tiny_llama.model.norm.weight.requires_grad_(True)
    with pytest.raises(MismatchError, match="norm"):
        slot.trainable()


def test_an_empty_slot_has_nothing_to_read_or_train(tiny_llama):
    slot = Slot(tiny_llama)
    with pytest.raises(MismatchError):
        slot.read_out()
    with pytest.raises(MismatchError):
        slot.trainable()
    slot.clear()


def test_a_step_of_training_moves_the_adapter_and_nothing_else(tiny_llama):
    slot = Slot(tiny_llama)
    slot.copy_in(random_adapter(shapes_of(tiny_llama, LLAMA), 1), LLAMA)
    before = slot.read_out()
    base_before = {n: p.clone() for n, p in tiny_llama.whole.named_parameters() if "lora_" not in n}
    optimiser = torch.optim.SGD(slot.trainable(), lr=0.1)
    tiny_llama.model(**batch_of(tiny_llama).inputs()).last_hidden_state.square().mean().backward()
    optimiser.step()
    assert all(not np.array_equal(before[name], value) for name, value in slot.read_out().items())
    for name, parameter in tiny_llama.whole.named_parameters():
        if "lora_" not in name:
            assert torch.equal(parameter, base_before[name])


def test_plain_peft_gives_the_same_states_for_the_built_in_base(minilm, tmp_path):
    shapes = shapes_of(minilm, MINILM)
    slot = Slot(minilm)
    slot.copy_in(random_adapter(shapes, 5), MINILM)
    folder = put_on_disk(tmp_path / "adapter", slot, MINILM)
    plain = PeftModel.from_pretrained(AutoModel.from_pretrained(sources.minilm_folder()), folder).eval()
    batch = batch_of(minilm)
    with torch.no_grad():
        states = plain(**batch.inputs()).last_hidden_state[batch.attention_mask.bool()]
    assert torch.allclose(states, hidden(minilm), atol=1e-5)


def test_plain_peft_gives_the_same_states_for_a_decoder(tiny_llama, folders, tmp_path):
    shapes = shapes_of(tiny_llama, LLAMA)
    slot = Slot(tiny_llama)
    slot.copy_in(random_adapter(shapes, 5), LLAMA)
    assert all(name.startswith("base_model.model.model.layers.") for name in slot.read_out())
    folder = put_on_disk(tmp_path / "adapter", slot, LLAMA)
    plain = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(folders.llama), folder).eval()
    batch = batch_of(tiny_llama)
    with torch.no_grad():
        states = plain(**batch.inputs(), output_hidden_states=True).hidden_states[-1]
    assert torch.allclose(states[batch.attention_mask.bool()], hidden(tiny_llama), atol=1e-5)


def test_in_four_bits_a_frame_acts_trains_and_leaves(folders):
    pytest.importorskip("bitsandbytes")
    base = load_base(str(folders.llama), precision="nf4", device="cpu")
    shapes = shapes_of(base, LLAMA)
    alone = hidden(base)
    slot = Slot(base)
    slot.copy_in(random_adapter(shapes, 1), LLAMA)
    assert not torch.allclose(hidden(base), alone)
    parameters = slot.trainable()
    base.model(**batch_of(base).inputs()).last_hidden_state.square().mean().backward()
    assert all(p.dtype == torch.float32 and float(p.grad.abs().sum()) > 0 for p in parameters)
    slot.clear()
    assert torch.equal(hidden(base), alone)
