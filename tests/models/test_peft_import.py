"""Plain PEFT folders become frames: the logits are PEFT's own, and what cannot be a frame is refused."""

from __future__ import annotations

import json
import shutil
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModel, AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer

from skillstack.errors import IntegrityError, MismatchError, MissingError, SkillStackError, UsageError
from skillstack.models.answering import Answering
from skillstack.models.features import mean
from skillstack.models.heads import Head
from skillstack.models.loading import load_base
from skillstack.models.peft_folder import PeftFolder, read_folder
from skillstack.models.peft_import import fit_to_base, head_of
from skillstack.models.slot import Slot
from skillstack.skills.classification import KIND, LabelAnswerer
from skillstack.store.records import Rendering
from skillstack.store.rows import Row

TEXTS = ("a great movie that I loved", "bad", "Please block my card, it was stolen in the city.")
DECODER = ("q_proj", "down_proj")
ENCODER = ("query", "value")


def saved(model: Any, folder: Path, **settings: Any) -> PeftModel:
    """The model with a LoRA adapter of random numbers that matter, saved by PEFT."""
    torch.manual_seed(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wrapped = get_peft_model(model, LoraConfig(**{"r": 4, "lora_alpha": 8, **settings})).eval()
    with torch.no_grad():
        for name, parameter in wrapped.named_parameters():
            if "lora_" in name:
                parameter.normal_(0, 0.1)
            elif parameter.requires_grad:
                parameter.normal_()
    wrapped.save_pretrained(folder)
    return wrapped


def classifier(base: Path, labels: int = 3) -> Any:
    return AutoModelForSequenceClassification.from_pretrained(base, num_labels=labels, dtype=torch.float32)


@torch.no_grad()
def logits_of(model: Any, base: Path) -> np.ndarray:
    tokenizer = AutoTokenizer.from_pretrained(base, padding_side="right")
    return model(**tokenizer(list(TEXTS), padding=True, return_tensors="pt")).logits.numpy()


@torch.no_grad()
def features_of(model: Any, base: Path) -> np.ndarray:
    """An encoder's features by PEFT's model: the normalised mean of its last states, times ten."""
    batch = AutoTokenizer.from_pretrained(base)(list(TEXTS), padding=True, return_tensors="pt")
    hidden = mean(model(**batch).last_hidden_state, batch["attention_mask"])
    return (10 * torch.nn.functional.normalize(hidden, dim=-1)).numpy()


def answers(folder: PeftFolder, base: Path, head: Head | None = None) -> np.ndarray:
    """The logits of the folder as a frame."""
    held = load_base(str(base), device="cpu")
    adapter = fit_to_base(folder, held)
    chosen = head or head_of(folder, held)
    assert chosen is not None
    answerer = LabelAnswerer("key", lambda: adapter.tensors, adapter.spec, chosen, Rendering(max_length=100))
    found = KIND.answer(Answering(Slot(held)), [Row(text) for text in TEXTS], [answerer] * len(TEXTS))
    return np.stack([answer.logits for answer in found])


@pytest.mark.parametrize("architecture", ["llama", "qwen2"])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"use_rslora": True},
        {"lora_alpha": 3},
        {"rank_pattern": {"q_proj": 2}, "alpha_pattern": {"layers.1.self_attn.q_proj": 5}},
        {"use_rslora": True, "rank_pattern": {"down_proj": 7}, "alpha_pattern": {"q_proj": 1}},
        {"layers_to_transform": [0, 2]},
        {"target_modules": ["model.layers.1.self_attn.q_proj", "layers.2.mlp.down_proj"]},
    ],
    ids=["plain", "rslora", "odd-alpha", "patterns", "patterns-rslora", "some-layers", "full-names"],
)
def test_a_decoders_sequence_classifier_has_the_logits_that_peft_gives(
    folders, tmp_path, architecture, settings
):
    base = getattr(folders, architecture)
    wanted = logits_of(
        saved(
            classifier(base),
            tmp_path / "lora",
            **{"target_modules": list(DECODER), **settings},
            task_type="SEQ_CLS",
        ),
        base,
    )
    np.testing.assert_allclose(answers(read_folder(tmp_path / "lora"), base), wanted, atol=1e-5)
    assert np.abs(wanted - logits_of(classifier(base), base)).max() > 0.05


@pytest.mark.parametrize("kind", ["causal", "bare"])
def test_a_decoders_adapter_without_a_head_changes_the_states_as_peft_does(folders, tmp_path, kind):
    auto = AutoModelForCausalLM if kind == "causal" else AutoModel
    model = auto.from_pretrained(folders.llama, dtype=torch.float32)
    wrapped = saved(model, tmp_path / "lora", target_modules=list(DECODER))
    tokenizer = AutoTokenizer.from_pretrained(folders.llama)
    head = Head(np.eye(64, dtype=np.float32))
    found = answers(read_folder(tmp_path / "lora"), folders.llama, head)
    with torch.no_grad():
        for text, row in zip(TEXTS, found, strict=True):
            batch = tokenizer(text, return_tensors="pt")
            states = wrapped(**batch, output_hidden_states=True).hidden_states[-1][0, -1]
            np.testing.assert_allclose(row, states.numpy(), atol=1e-5)


@pytest.mark.parametrize("architecture", ["bert", "roberta"])
@pytest.mark.parametrize("targets", [["query", "value"], ["output.dense"], "all-linear"], ids=str)
def test_an_encoders_adapter_gives_the_features_that_peft_gives(folders, tmp_path, architecture, targets):
    """Its classifier and its pooler stay behind: a frame reads the mean of the tokens."""
    base = getattr(folders, architecture)
    wrapped = saved(classifier(base), tmp_path / "lora", target_modules=targets, task_type="SEQ_CLS")
    folder = read_folder(tmp_path / "lora")
    found = answers(folder, base, Head(np.eye(48, dtype=np.float32)))
    body = getattr(wrapped.base_model.model, architecture)
    np.testing.assert_allclose(found, features_of(body, base), atol=1e-5)
    held = load_base(str(base), device="cpu")
    assert fit_to_base(folder, held).left_out == (
        ("bert.pooler.dense",) if architecture == "bert" and targets == "all-linear" else ()
    )
    with pytest.raises(MismatchError, match="first token"):
        head_of(folder, held)


def test_half_precision_is_read_exactly(folders, tmp_path):
    saved(classifier(folders.llama), tmp_path / "lora", target_modules=["q_proj"], task_type="SEQ_CLS")
    weights = tmp_path / "lora" / "adapter_model.safetensors"
    save_file({name: tensor.to(torch.bfloat16) for name, tensor in load_file(weights).items()}, weights)
    base = classifier(folders.llama)
    wrapped = PeftModel.from_pretrained(base, tmp_path / "lora").eval()
    found = answers(read_folder(tmp_path / "lora"), folders.llama)
    np.testing.assert_allclose(found, logits_of(wrapped, folders.llama), atol=1e-5)


def test_an_adapter_of_one_shape_keeps_its_bytes(folders, tmp_path):
    saved(classifier(folders.llama), tmp_path / "lora", target_modules=["q_proj"], task_type="SEQ_CLS")
    adapter = fit_to_base(read_folder(tmp_path / "lora"), load_base(str(folders.llama), device="cpu"))
    on_disk = load_file(tmp_path / "lora" / "adapter_model.safetensors")
    assert (adapter.spec.r, adapter.spec.alpha, adapter.spec.targets) == (4, 8, ("self_attn.q_proj",))
    for name, tensor in adapter.tensors.items():
        np.testing.assert_array_equal(tensor, on_disk[name].numpy())


def test_labels_are_read_from_a_config_beside_the_adapter(folders, tmp_path):
    saved(classifier(folders.llama), tmp_path / "lora", target_modules=["q_proj"], task_type="SEQ_CLS")
    assert read_folder(tmp_path / "lora").labels == ()
    config = tmp_path / "lora" / "config.json"
    config.write_text(json.dumps({"id2label": {"0": "bad", "1": "so", "2": "good"}}))
    assert read_folder(tmp_path / "lora").labels == ("bad", "so", "good")
    config.write_text(json.dumps({"id2label": {"0": "LABEL_0", "1": "LABEL_1"}}))
    assert read_folder(tmp_path / "lora").labels == ()
    config.write_text(json.dumps({"problem_type": "regression"}))
    with pytest.raises(MismatchError, match="regression"):
        read_folder(tmp_path / "lora")


@dataclass
class Spoilt:
    """A good folder, to be spoilt in one place."""

    path: Path

    def config(self, **changes: Any) -> None:
        file = self.path / "adapter_config.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | changes))

    def tensors(self, change: Any) -> None:
        file = self.path / "adapter_model.safetensors"
        held = load_file(file)
        change(held)
        save_file(held, file)


@pytest.fixture(scope="module")
def good(folders, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("good") / "lora"
    saved(classifier(folders.llama), folder, target_modules=["q_proj"], task_type="SEQ_CLS")
    return folder


@pytest.fixture
def spoilt(good, tmp_path) -> Spoilt:
    return Spoilt(Path(shutil.copytree(good, tmp_path / "lora")))


Q = "base_model.model.model.layers.0.self_attn.q_proj"


@pytest.mark.parametrize(
    ("changes", "kind", "says"),
    [
        ({"peft_type": "IA3"}, MismatchError, "IA3"),
        ({"bias": "all"}, MismatchError, "bias"),
        ({"use_dora": True}, MismatchError, "use_dora"),
        ({"fan_in_fan_out": True}, MismatchError, "fan_in_fan_out"),
        ({"init_lora_weights": "pissa"}, MismatchError, "init_lora_weights"),
        ({"kasa_config": {"beta": 1}}, MismatchError, "kasa_config"),
        ({"trainable_token_indices": [1]}, MismatchError, "trainable_token_indices"),
        ({"modules_to_save": ["embed_tokens"]}, MismatchError, "embed_tokens"),
        ({"task_type": "TOKEN_CLS"}, MismatchError, "TOKEN_CLS"),
        ({"target_modules": ".*q_proj"}, MismatchError, "list of names"),
        ({"target_modules": ["q_proj", "c_attn"]}, MismatchError, "c_attn"),
        ({"target_modules": ["q_proj", "v_proj"]}, MismatchError, "has nothing for"),
        ({"target_modules": ["layers.0.self_attn.q_proj"]}, MismatchError, "does not ask for"),
        ({"rank_pattern": {"q_.*": 4}}, MismatchError, "by a pattern"),
        ({"rank_pattern": {"q_proj": 2}}, MismatchError, "shape"),
        ({"r": 8}, MismatchError, "shape"),
        ({"r": None}, IntegrityError, "r:"),
        ({"lora_alpha": -1}, IntegrityError, "lora_alpha"),
        ({"lora_dropout": "much"}, IntegrityError, "wrong"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_setting_that_no_frame_has_is_refused(folders, spoilt, changes, kind, says):
    spoilt.config(**changes)
    with pytest.raises(kind, match=says) as caught:
        fit_to_base(read_folder(spoilt.path), load_base(str(folders.llama), device="cpu"))
    assert caught.value.hint


def rename(old: str, new: str) -> Any:
    return lambda held: held.update({new: held.pop(old)})


@pytest.mark.parametrize(
    ("change", "kind", "says"),
    [
        (lambda held: held.pop(f"{Q}.lora_A.weight"), MismatchError, "missing"),
        (
            lambda held: held.update({f"{Q}.lora_magnitude_vector": torch.ones(64)}),
            MismatchError,
            "magnitude",
        ),
        (
            lambda held: held.update({"base_model.model.lm_head.weight": torch.ones(4, 4)}),
            MismatchError,
            "lm_head",
        ),
        (lambda held: held[f"{Q}.lora_B.weight"].fill_(float("nan")), IntegrityError, "not finite"),
        (lambda held: held.update({f"{Q}.lora_A.weight": torch.ones(4, 32)}), MismatchError, "shape"),
        (lambda held: held.update({f"{Q}.lora_A.weight": torch.ones(4, 64, 1)}), MismatchError, "no matrix"),
        (
            lambda held: held.update({f"{Q}.lora_A.weight": torch.ones(4, 64, dtype=torch.int8)}),
            MismatchError,
            "int8",
        ),
        (rename(f"{Q}.lora_A.weight", "q_proj.lora_A.weight"), MismatchError, "name of PEFT"),
        (
            lambda held: [
                rename(f"{Q}.lora_{x}.weight", f"{Q[:-8]}.fused.lora_{x}.weight")(held) for x in "AB"
            ],
            MismatchError,
            "fused",
        ),
    ],
    ids=["missing", "dora", "lm-head", "nan", "shape", "tensor", "int8", "name", "layer"],
)
def test_a_tensor_that_does_not_belong_there_is_refused(folders, spoilt, change, kind, says):
    spoilt.tensors(change)
    with pytest.raises(kind, match=says) as caught:
        fit_to_base(read_folder(spoilt.path), load_base(str(folders.llama), device="cpu"))
    assert caught.value.hint


def test_an_adapter_of_another_base_is_refused(folders, good):
    for other in (folders.bert, folders.distilbert):
        with pytest.raises(MismatchError, match="no layer of"):
            fit_to_base(read_folder(good), load_base(str(other), device="cpu"))


def test_a_head_of_another_form_is_refused(folders, spoilt):
    held = load_base(str(folders.llama), device="cpu")
    for change, says in (
        (lambda t: t.update({"base_model.model.score.weight": torch.ones(3, 32)}), "not float32"),
        (lambda t: t.update({"base_model.model.score.weight": torch.ones(1, 64)}), "two labels"),
        (rename("base_model.model.score.weight", "base_model.model.score.out.weight"), "no linear layer"),
    ):
        spoilt.tensors(change)
        with pytest.raises(MismatchError, match=says):
            head_of(read_folder(spoilt.path), held)


def test_a_folder_that_is_none_of_pefts_is_refused_with_what_to_do(folders, spoilt, tmp_path):
    def refused(path: Path, kind: type[SkillStackError], says: str) -> None:
        with pytest.raises(kind, match=says) as caught:
            read_folder(path)
        assert caught.value.hint

    refused(folders.llama, UsageError, "is a model")
    (tmp_path / "empty").mkdir()
    refused(tmp_path / "empty", UsageError, "no PEFT folder")
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "store.json").write_text("{}")
    refused(tmp_path / "store", UsageError, "is a store")
    weights = spoilt.path / "adapter_model.safetensors"
    data = weights.read_bytes()
    weights.write_bytes(data[:-5])
    refused(spoilt.path, IntegrityError, "no whole safetensors")
    weights.unlink()
    refused(spoilt.path, MissingError, "has no adapter_model.safetensors")
    (spoilt.path / "adapter_model.bin").write_bytes(b"never read")
    refused(spoilt.path, MissingError, "never loaded")
    weights.write_bytes(data)
    (spoilt.path / "adapter_config.json").write_text("[1")
    refused(spoilt.path, IntegrityError, "no JSON object")
