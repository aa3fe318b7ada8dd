"""What is known of a base and of tasks before anything is loaded."""

import json

import pytest
from transformers import LlamaConfig, LlamaForCausalLM

from skillstack.forecast.facts import KNOWN, base_facts, facts_of_folder, task_facts
from skillstack.models.sources import minilm_folder

SIZES = {"vocab_size": 64, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 3}
HEADS = {"num_attention_heads": 4, "num_key_value_heads": 2}


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SKILLSTACK_CACHE", str(tmp_path / "cache"))


def task(name, data_dir=None):
    (found,) = task_facts([name], data_dir, ask_hub=True)
    return found


def test_the_built_in_base_is_as_its_table_says():
    base, read = base_facts(None), facts_of_folder("x", minilm_folder())
    assert base.download == base.disk == 0
    assert base.error is None
    assert abs(base.parameters - read.parameters) < 1e5
    shape = ("kind", "hidden", "layers", "inner", "keys", "vocabulary")
    assert [getattr(base, name) for name in shape] == [getattr(read, name) for name in shape]


def test_a_folder_is_read_without_its_weights(tmp_path):
    model = LlamaForCausalLM(LlamaConfig(**SIZES, **HEADS)).bfloat16()
    model.save_pretrained(tmp_path)
    base = facts_of_folder("x", tmp_path)
    assert (base.kind, base.layers, base.hidden, base.inner) == ("decoder", 3, 32, 48)
    assert (base.keys, base.vocabulary) == (16, 64)
    assert base.parameters == sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize("damage", [b"{", b"[]", b'{"model_type": "llama"}'])
def test_a_folder_that_holds_no_model_is_an_error_and_no_crash(tmp_path, damage):
    (tmp_path / "config.json").write_bytes(damage)
    assert base_facts(str(tmp_path)).error is not None
    (tmp_path / "model.safetensors").write_bytes(b"\x08" + bytes(7) + b"not json")
    assert base_facts(str(tmp_path)).error is not None


def test_a_model_that_is_not_here_is_an_error_without_a_network():
    base = base_facts("Qwen/Qwen2.5-1.5B-Instruct")
    assert base.parameters == KNOWN["Qwen/Qwen2.5-1.5B-Instruct"].parameters
    assert "HF_HUB_OFFLINE" in base.error.message
    assert base_facts("someone/unheard-of").download is None


def test_gated_models_are_known():
    assert base_facts("meta-llama/Llama-3.2-1B-Instruct").gated


def test_a_starter_task_ships_along():
    found = task("banking")
    assert (found.source, found.download, found.error) == ("starter", 0, None)
    assert found.labels > 10
    assert found.licence.startswith("CC BY")


def test_a_folder_comes_first(tmp_path):
    folder = tmp_path / "banking"
    folder.mkdir()
    rows = [
        {"text": f"{word} {number}", "label": label} for number in range(9) for label, word in enumerate("ab")
    ]
    (folder / "task.json").write_text(json.dumps({"label_names": ["bad", "good"], "family": "sentiment"}))
    for split in ("train", "test"):
        (folder / f"{split}.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    assert "known task" in task("banking", tmp_path).error.message
    folder.rename(tmp_path / "films")
    found = task("films", tmp_path)
    assert (found.source, found.labels, found.family, len(found.data.train)) == ("folder", 2, "sentiment", 18)


def test_a_broken_folder_is_an_error_and_no_crash(tmp_path):
    folder = tmp_path / "films"
    folder.mkdir()
    assert task("films", tmp_path).error is not None
    (folder / "task.json").write_text('{"label_names": ["bad", "good"]}')
    for split in ("train", "test"):
        (folder / f"{split}.jsonl.gz").write_bytes(b"\x1f\x8b\x08no")
    assert "train.jsonl.gz" in task("films", tmp_path).error.message


def test_a_task_of_the_hub_without_a_network_is_an_error():
    found = task("dbpedia")
    assert found.labels == 14
    assert "skillstack fetch --task dbpedia" in found.error.hint


def test_a_misspelt_task_gets_a_suggestion():
    assert "agnews" in task("agnewz").error.hint


def test_a_hub_that_does_not_answer_is_an_error_for_all_that_must_come_from_it(monkeypatch):
    import huggingface_hub.constants
    import huggingface_hub.hf_api

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")
    names = ("banking", "agnews", "imdb")
    assert [one.error for one in task_facts(names, None, ask_hub=False)] == [None] * 3
    banking, agnews, imdb = task_facts(names, None, ask_hub=True)
    assert banking.error is None
    assert "cannot be reached" in agnews.error.message
    assert "skillstack fetch --task imdb" in imdb.error.hint
