"""What is known of a base before it is loaded."""

import pytest
from transformers import LlamaConfig, LlamaForCausalLM

from skillstack.forecast.bases import KNOWN, base_facts, facts_of_folder
from skillstack.models import sources

SIZES = {"vocab_size": 64, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 3}
HEADS = {"num_attention_heads": 4, "num_key_value_heads": 2}


def test_the_built_in_base_is_as_its_table_says():
    facts, read = base_facts(None), facts_of_folder("x", sources.minilm_folder())
    assert facts.download == facts.disk == 0
    assert facts.trouble is None
    assert abs(facts.parameters - read.parameters) < 1e5
    shape = ("kind", "hidden", "layers", "inner", "keys", "vocabulary")
    assert [getattr(facts, name) for name in shape] == [getattr(read, name) for name in shape]


def test_a_folder_is_read_without_its_weights(tmp_path):
    model = LlamaForCausalLM(LlamaConfig(**SIZES, **HEADS))
    model.save_pretrained(tmp_path)
    facts = facts_of_folder("x", tmp_path)
    assert (facts.kind, facts.layers, facts.hidden, facts.inner) == ("decoder", 3, 32, 48)
    assert (facts.keys, facts.vocabulary) == (16, 64)
    assert facts.parameters == sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize("damage", [b"{", b"[]", b'{"model_type": "llama"}'])
def test_a_folder_that_holds_no_model_is_trouble_and_no_crash(tmp_path, damage):
    (tmp_path / "config.json").write_bytes(damage)
    assert base_facts(str(tmp_path)).trouble is not None


def test_a_model_that_is_not_here_is_trouble_without_a_network():
    facts = base_facts("Qwen/Qwen2.5-1.5B-Instruct")
    assert facts.parameters == KNOWN["Qwen/Qwen2.5-1.5B-Instruct"].parameters
    assert "HF_HUB_OFFLINE" in facts.trouble.message
    assert base_facts("someone/unheard-of").download is None


def test_gated_models_are_known():
    assert base_facts("meta-llama/Llama-3.2-1B-Instruct").gated
