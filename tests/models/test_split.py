"""The lower part and the upper part are the whole model, and share its tensors."""

import pytest
import torch

from skillstack.errors import MismatchError, UsageError
from skillstack.models.base import Base
from skillstack.models.encoding import encode
from skillstack.models.loading import load_base
from skillstack.models.lora import LoraSpec
from skillstack.models.slot import Slot
from skillstack.models.split import SplitModel
from skillstack.store.records import Rendering
from skillstack.store.rows import Row

from .tiny import ROWS


def largest_difference(base: Base, k: int, rows: tuple[Row, ...]) -> float:
    batch = encode(base, rows, Rendering(max_length=64)).batch(range(len(rows)))
    split = SplitModel(base, k)
    with torch.no_grad():
        whole = base.model(**batch.inputs()).last_hidden_state
        parts = split.upper(split.lower(batch), batch.attention_mask)
    return float((whole - parts).abs()[batch.attention_mask.bool()].max())


@pytest.mark.parametrize("rows", [ROWS, ROWS[:1]], ids=["padded", "unpadded"])
@pytest.mark.parametrize("name", ["llama", "qwen2", "bert", "roberta", "distilbert"])
def test_the_parts_of_every_supported_architecture_add_up(folders, name, rows):
    base = load_base(str(getattr(folders, name)), device="cpu")
    for k in range(1, base.layers + 1):
        assert largest_difference(base, k, rows) < 1e-5


@pytest.mark.parametrize("rows", [ROWS, ROWS[:1]], ids=["padded", "unpadded"])
def test_the_parts_of_the_built_in_base_add_up(minilm, rows):
    for k in (1, 3, 5):
        assert largest_difference(minilm, k, rows) < 1e-5


def test_no_tensor_is_copied_and_the_model_is_left_as_it_was(tiny_llama):
    before = {name: p.data_ptr() for name, p in tiny_llama.whole.named_parameters()}
    split = SplitModel(tiny_llama, 2)
    own = set(before.values())
    for part in (split._lower, split._upper):
        assert {p.data_ptr() for p in part.parameters()} <= own
    assert {name: p.data_ptr() for name, p in tiny_llama.whole.named_parameters()} == before
    assert len(tiny_llama.model.layers) == 4
    assert tiny_llama.model.config.num_hidden_layers == 4


def test_an_adapter_put_in_later_acts_in_the_upper_part_and_gets_gradients(tiny_llama):
    split = SplitModel(tiny_llama, 2)
    batch = encode(tiny_llama, ROWS, Rendering()).batch(range(3))
    lower = split.lower(batch)
    slot = Slot(tiny_llama)
    slot.start_fresh(LoraSpec(4, 8, 0.0, ("q_proj", "v_proj"), 2), seed=1)
    parameters = slot.trainable()
    split.upper(lower, batch.attention_mask)[batch.attention_mask.bool()].square().sum().backward()
    gradients = [p.grad for p in parameters]
    assert all(g is not None for g in gradients)
    assert sum(float(g.abs().sum()) > 0 for g in gradients) == len(parameters) / 2  # B moves first
    assert torch.equal(lower, split.lower(batch))
    assert not lower.requires_grad


def test_an_architecture_that_cannot_be_cut_is_refused_with_a_way_out(folders):
    base = load_base(str(folders.llama), device="cpu")

    # Some models scale their embeddings on the way in, so feeding states there would scale them again.
    class Scaling(type(base.model)):
        def forward(self, input_ids=None, inputs_embeds=None, **kwargs):
            embeds = self.embed_tokens(input_ids) if inputs_embeds is None else inputs_embeds
            return super().forward(inputs_embeds=embeds * 3.0, **kwargs)

    base.model.__class__ = Scaling
    with pytest.raises(MismatchError, match="first layer 0"):
        SplitModel(base, 2)
    assert SplitModel(base, 0).whole(encode(base, ROWS, Rendering()).batch([0])).shape[-1] == 64


def test_a_cut_outside_the_model_is_refused(tiny_llama):
    with pytest.raises(UsageError, match="4 layers"):
        SplitModel(tiny_llama, 5)


def test_without_a_cut_there_are_no_parts(tiny_llama):
    split = SplitModel(tiny_llama, 0)
    assert not split.splits
    with pytest.raises(UsageError):
        split.lower(encode(tiny_llama, ROWS, Rendering()).batch([0]))
