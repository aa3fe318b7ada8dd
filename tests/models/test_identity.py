"""A base is its weights and its tokenizer's behaviour; names are hints."""

import dataclasses
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer, LlamaForCausalLM

from skillstack.errors import IntegrityError, MismatchError, MissingError
from skillstack.models.identity import check_same, tokenizer_fingerprint, weights_fingerprint


@pytest.fixture
def copy(folders, tmp_path):
    """A copy of the small decoder, to be altered."""
    return shutil.copytree(folders.llama, tmp_path / "copy")


def test_a_copy_has_the_same_fingerprint_whatever_its_files_are_called(folders, copy):
    expected = weights_fingerprint(folders.llama)
    assert weights_fingerprint(copy) == expected
    (copy / "model.safetensors").unlink()
    model = LlamaForCausalLM.from_pretrained(folders.llama)
    model.save_pretrained(copy, max_shard_size="100KB")
    assert len(list(copy.glob("*.safetensors"))) > 1
    assert weights_fingerprint(copy) == expected


def test_metadata_and_order_do_not_count(folders, copy):
    tensors = load_file(copy / "model.safetensors")
    save_file(tensors, copy / "model.safetensors", metadata={"format": "pt", "note": "again"})
    assert weights_fingerprint(copy) == weights_fingerprint(folders.llama)


@pytest.mark.parametrize("change", ["number", "dtype", "name", "shape"])
def test_another_number_dtype_name_or_shape_counts(folders, copy, change):
    tensors = load_file(copy / "model.safetensors")
    name = "model.norm.weight"
    if change == "number":
        tensors[name] = torch.nextafter(tensors[name], torch.tensor(9.0))
    elif change == "dtype":
        tensors[name] = tensors[name].to(torch.float64)
    elif change == "name":
        tensors["model.norm.scale"] = tensors.pop(name)
    else:
        tensors[name] = tensors[name].reshape(1, -1)
    save_file(tensors, copy / "model.safetensors")
    assert weights_fingerprint(copy) != weights_fingerprint(folders.llama)


def test_it_is_remembered_and_found_again(folders, copy, monkeypatch, tmp_path):
    monkeypatch.setenv("SKILLSTACK_CACHE", str(tmp_path / "cache"))
    first = weights_fingerprint(copy)
    (note,) = (tmp_path / "cache" / "fingerprints").iterdir()
    assert note.read_text() == first
    note.write_text("damaged")
    assert weights_fingerprint(copy) == first
    monkeypatch.setenv("SKILLSTACK_CACHE", str(copy / "config.json" / "no folder"))
    assert weights_fingerprint(copy) == first


def test_a_truncated_file_is_found(copy):
    file = copy / "model.safetensors"
    data = file.read_bytes()
    for length in (4, 100, len(data) - 1):
        file.write_bytes(data[:length])
        with pytest.raises(IntegrityError):
            weights_fingerprint(copy)


def test_pickled_weights_are_no_weights(copy):
    (copy / "model.safetensors").rename(copy / "pytorch_model.bin")
    with pytest.raises(MissingError, match="safetensors"):
        weights_fingerprint(copy)


def test_tokenizers_that_behave_alike_are_alike(folders, minilm, tiny_llama):
    again = AutoTokenizer.from_pretrained(folders.llama)
    assert tokenizer_fingerprint(again, pairs=False) == tiny_llama.identity.tokenizer
    assert tiny_llama.identity.tokenizer != minilm.identity.tokenizer
    again.add_tokens(["skillstack"])
    assert tokenizer_fingerprint(again, pairs=False) != tiny_llama.identity.tokenizer


def test_what_a_tokenizer_cuts_or_pads_by_itself_does_not_count(minilm):
    expected = tokenizer_fingerprint(minilm.tokenizer, pairs=True)
    minilm.tokenizer.backend_tokenizer.enable_truncation(4)
    minilm.tokenizer.backend_tokenizer.enable_padding(length=50)
    assert tokenizer_fingerprint(minilm.tokenizer, pairs=True) == expected


def test_a_mismatch_names_both_bases(minilm, tiny_llama):
    with pytest.raises(MismatchError) as caught:
        check_same(minilm.identity, tiny_llama.identity)
    for part in (minilm.identity, tiny_llama.identity):
        assert part.name in str(caught.value)
        assert part.weights[:12] in str(caught.value)


def test_hints_do_not_matter(minilm):
    check_same(minilm.identity, dataclasses.replace(minilm.identity, name="other", revision="1"))
    with pytest.raises(MismatchError, match="tokenizer differ"):
        check_same(minilm.identity, dataclasses.replace(minilm.identity, tokenizer="0" * 64))
