"""Encoders of other builds than BERT take adapters, are cut in two, and are read by plain PEFT."""

from pathlib import Path

import pytest
import torch
from peft import PeftModel
from transformers import AutoModel

from skillstack.models.base import Base
from skillstack.models.loading import load_base
from skillstack.models.lora import LoraSpec, default_targets
from skillstack.models.slot import Slot, adapted, linear_layers
from skillstack.models.split import SplitModel

from .tiny import batch_of, hidden, put_on_disk, random_adapter, shapes_of

KINDS = (
    "bert",
    "deberta",
    "deberta-v2",
    "distilbert",
    "electra",
    "modernbert",
    "mpnet",
    "nomic_bert",
    "roberta",
    "xlm-roberta",
)


@pytest.fixture(params=KINDS)
def base(request: pytest.FixtureRequest, encoders: dict[str, Path]) -> Base:
    """One of them, loaded anew."""
    return load_base(str(encoders[request.param]), device="cpu")


def spec_of(base: Base) -> LoraSpec:
    return LoraSpec(4, 8, 0.0, default_targets("encoder", base.identity.architecture), 2)


def test_by_default_an_adapter_sits_on_every_linear_layer(base: Base) -> None:
    linear = linear_layers(base)
    named = adapted(base, linear, LoraSpec(4, 8, 0.0, spec_of(base).targets, 0))
    left = {name.rsplit(".", 1)[-1] for name in set(linear) - set(named)}
    assert left <= {"pos_proj", "pos_q_proj"}  # DeBERTa's, for relative places alone


def test_the_parts_add_up_with_an_adapter_in_the_upper_one(base: Base) -> None:
    spec = spec_of(base)
    adapter = random_adapter(shapes_of(base, spec), 1)
    split, slot = SplitModel(base, 2), Slot(base)
    alone = hidden(base)
    slot.copy_in(adapter, spec)
    batch = batch_of(base)
    with torch.no_grad():
        parts = split.upper(split.lower(batch), batch.attention_mask)[batch.attention_mask.bool()]
    assert torch.allclose(parts, hidden(base), atol=1e-5)
    assert not torch.allclose(parts, alone, atol=1e-3)


def test_plain_peft_gives_the_same_states(base: Base, encoders: dict[str, Path], tmp_path: Path) -> None:
    spec = spec_of(base)
    adapter = random_adapter(shapes_of(base, spec), 1)
    slot = Slot(base)
    slot.copy_in(adapter, spec)
    folder = put_on_disk(tmp_path / "adapter", slot, spec)
    plain = AutoModel.from_pretrained(encoders[base.identity.architecture])
    plain = PeftModel.from_pretrained(plain, folder).eval()
    batch = batch_of(base)
    with torch.no_grad():
        states = plain(**batch.inputs()).last_hidden_state[batch.attention_mask.bool()]
    assert torch.allclose(states, hidden(base), atol=1e-5)
