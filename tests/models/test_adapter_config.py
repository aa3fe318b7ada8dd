"""The file is the same each time, PEFT reads it, and what frames do not do is refused."""

import json

import pytest
from peft import LoraConfig

from skillstack.errors import IntegrityError, MismatchError
from skillstack.models import adapter_config
from skillstack.models.lora import LoraSpec
from skillstack.models.slot import Slot

SPEC = LoraSpec(4, 8, 0.05, ("q_proj", "v_proj"), 2)


def written(slot: Slot, **options: object) -> dict[str, object]:
    data = adapter_config.dump(SPEC, slot.targets(SPEC), base_name="some/model", **options)
    return json.loads(data)


def test_equal_adapters_give_equal_bytes_in_sorted_order(tiny_llama):
    targets = Slot(tiny_llama).targets(SPEC)
    one = adapter_config.dump(SPEC, targets, base_name="some/model", revision="abc")
    two = adapter_config.dump(SPEC, targets[::-1], base_name="some/model", revision="abc")
    assert one == two
    found = json.loads(one)
    assert list(found) == sorted(found)
    assert found["target_modules"] == sorted(targets)
    assert len(targets) == 4
    assert not any(word in one.decode() for word in ("version", "/tmp", "/work"))


def test_peft_reads_every_setting(tiny_llama, tmp_path):
    config = adapter_config.dump(SPEC, Slot(tiny_llama).targets(SPEC), base_name="some/model", decoder=True)
    (tmp_path / "adapter_config.json").write_bytes(config)
    found = LoraConfig.from_pretrained(tmp_path)
    assert (found.r, found.lora_alpha, found.lora_dropout, found.use_rslora) == (4, 8, 0.05, False)
    assert found.base_model_name_or_path == "some/model"
    assert found.task_type == "CAUSAL_LM"
    assert found.inference_mode


@pytest.mark.parametrize("name", ["minilm", "llama"])
def test_what_is_read_fits_the_same_layers(tiny_llama, minilm, name):
    base = minilm if name == "minilm" else tiny_llama
    spec = LoraSpec(4, 8, 0.05, ("dense", "query"), 3, rslora=True) if name == "minilm" else SPEC
    slot = Slot(base)
    data = adapter_config.dump(spec, slot.targets(spec), base_name="some/model", revision="abc")
    found = adapter_config.parse(data)
    assert slot.targets(found.spec) == slot.targets(spec)
    assert found.spec.scaling == spec.scaling
    assert (found.base_name, found.revision, found.spec.first_layer) == (
        "some/model",
        "abc",
        spec.first_layer,
    )


def test_another_tools_short_names_mean_every_layer(tiny_llama):
    config = written(Slot(tiny_llama)) | {"target_modules": ["v_proj", "q_proj"]}
    found = adapter_config.parse(json.dumps(config).encode())
    assert len(Slot(tiny_llama).targets(found.spec)) == 8


def test_peft_may_say_which_class_the_base_has(tiny_llama):
    """It does so where no task type is named; it changes nothing that is computed."""
    config = json.loads(adapter_config.dump(SPEC, Slot(tiny_llama).targets(SPEC), base_name="m", revision=""))
    known = {"base_model_class": "BertModel", "parent_library": "transformers.models.bert.modeling_bert"}
    config["auto_mapping"] = known
    assert adapter_config.parse(json.dumps(config).encode()).spec.r == SPEC.r


@pytest.mark.parametrize(
    "changes",
    [
        {"modules_to_save": ["score"]},
        {"use_dora": True},
        {"rank_pattern": {"q_proj": 2}},
        {"alpha_pattern": {"q_proj": 2}},
        {"bias": "all"},
        {"peft_type": "IA3"},
        {"fan_in_fan_out": True},
        {"layers_to_transform": [1]},
    ],
)
def test_what_frames_do_not_do_is_refused(tiny_llama, changes):
    config = written(Slot(tiny_llama)) | changes
    with pytest.raises(MismatchError, match=next(iter(changes))):
        adapter_config.parse(json.dumps(config).encode())


@pytest.mark.parametrize(
    "changes",
    [
        {"r": 0},
        {"r": "4"},
        {"r": True},
        {"r": 1.5},
        {"lora_alpha": None},
        {"lora_dropout": 1.5},
        {"lora_dropout": "much"},
        {"target_modules": []},
        {"target_modules": "q_proj"},
        {"target_modules": [1]},
    ],
)
def test_impossible_values_are_found(tiny_llama, changes):
    config = written(Slot(tiny_llama)) | changes
    with pytest.raises(IntegrityError):
        adapter_config.parse(json.dumps(config).encode())


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b"\xff", b"{}", b"[" * 100_000, b'{"peft_type": "LORA"}'])
def test_what_is_no_config_is_found(data):
    with pytest.raises((IntegrityError, MismatchError)):
        adapter_config.parse(data)
