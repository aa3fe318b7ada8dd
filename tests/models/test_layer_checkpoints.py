"""States that are computed again give the gradients of states that are kept, dropout included."""

import pytest
import torch

from skillstack.models.encoding import encode
from skillstack.models.features import pool
from skillstack.models.lora import LoraSpec
from skillstack.models.slot import Slot
from skillstack.models.split import SplitModel, layer_checkpoints, parameters_of
from skillstack.store.records import Rendering

from .tiny import ROWS


def gradients(slot, split, encoded, first, *, wanted):
    """Gradients of one pass, and how often the layers were run."""
    base = slot.base
    runs = []
    layer = (
        base.model.layers[-1].input_layernorm
        if base.kind == "decoder"
        else base.model.encoder.layer[-1].attention.self.query
    )
    handle = layer.register_forward_hook(lambda *_: runs.append(1))
    parameters = slot.trainable()
    torch.manual_seed(7)
    with layer_checkpoints(base, first, wanted=wanted):
        batch = encoded.batch([0, 1, 2])
        hidden = split.upper(split.lower(batch), batch.attention_mask) if first else split.whole(batch)
        pool(hidden, batch.attention_mask, base.pooling).square().sum().backward()
    handle.remove()
    found = [parameter.grad.clone() for parameter in parameters]
    slot.freeze()
    return found, len(runs)


@pytest.mark.parametrize("name", ["llama", "bert"])
@pytest.mark.parametrize("first", [0, 2])
def test_gradients_are_the_same_and_layers_run_twice(folders, name, first):
    from skillstack.models.loading import load_base

    base = load_base(str(getattr(folders, name)), device="cpu")
    targets = ("q_proj", "v_proj") if name == "llama" else ("query", "value")
    slot = Slot(base)
    spec = LoraSpec(r=4, alpha=8, dropout=0.3, targets=targets, first_layer=first)
    slot.start_fresh(spec, seed=3)
    tensors = {k: v + 0.05 for k, v in slot.read_out().items()}  # B of zeros has no gradient to pass on
    slot.copy_in(tensors, spec)
    split, encoded = SplitModel(base, first), encode(base, ROWS, Rendering())
    kept, runs = gradients(slot, split, encoded, first, wanted=False)
    again, runs_again = gradients(slot, split, encoded, first, wanted=True)
    assert (runs, runs_again) == (1, 2)
    assert all(torch.equal(one, two) for one, two in zip(kept, again, strict=True))
    assert any(gradient.abs().max() > 0 for gradient in kept)


def test_nothing_of_it_stays_in_the_base(tiny_llama):
    with layer_checkpoints(tiny_llama, 2):
        wrapped = ["forward" in vars(layer) for layer in tiny_llama.model.layers]
    assert wrapped == [index >= 2 for index in range(len(wrapped))]
    assert not any("forward" in vars(layer) for layer in tiny_llama.model.layers)


def test_a_forward_that_another_library_bound_is_put_back(tiny_llama):
    layer = tiny_llama.model.layers[-1]
    bound = layer.forward
    layer.forward = bound
    try:
        with pytest.raises(ZeroDivisionError), layer_checkpoints(tiny_llama, 0):
            raise ZeroDivisionError
        assert vars(layer)["forward"] is bound
    finally:
        del layer.forward


def test_parameters_are_counted(tiny_llama):
    assert parameters_of(tiny_llama) == sum(p.numel() for p in tiny_llama.whole.parameters())
