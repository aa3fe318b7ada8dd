"""Adapters sit on the named linear layers from one layer on, and nowhere else."""

import pytest

from skillstack.errors import MismatchError
from skillstack.models.lora import LoraSpec
from skillstack.models.slot import adapted, linear_layers, tensor_shapes


def test_only_layers_from_the_first_on_are_adapted(minilm):
    names = adapted(minilm, linear_layers(minilm), LoraSpec(8, 16, 0.0, ("query", "dense"), 4))
    assert {name.split(".")[2] for name in names} == {"4", "5"}
    assert len(names) == 2 * 4
    assert not any(name.startswith("pooler") for name in names)


def test_decoders_are_named_as_causal_language_models(tiny_llama):
    names = adapted(tiny_llama, linear_layers(tiny_llama), LoraSpec(8, 16, 0.0, ("q_proj",), 3))
    assert names == ("model.layers.3.self_attn.q_proj",)


def test_shapes_are_those_of_pefts_files(tiny_llama):
    linear = linear_layers(tiny_llama)
    names = adapted(tiny_llama, linear, LoraSpec(8, 16, 0.0, ("k_proj",), 3))
    assert tensor_shapes(linear, names, 8) == {
        "base_model.model.model.layers.3.self_attn.k_proj.lora_A.weight": (8, 64),
        "base_model.model.model.layers.3.self_attn.k_proj.lora_B.weight": (32, 8),
    }


def test_a_target_that_fits_nothing_is_answered_with_a_near_one(tiny_llama):
    with pytest.raises(MismatchError, match="Did you mean 'q_proj'"):
        adapted(tiny_llama, linear_layers(tiny_llama), LoraSpec(8, 16, 0.0, ("q_prj",), 0))


def test_a_layer_that_does_not_exist_is_refused(tiny_llama):
    with pytest.raises(MismatchError, match="4 layers"):
        adapted(tiny_llama, linear_layers(tiny_llama), LoraSpec(8, 16, 0.0, ("q_proj",), 4))
