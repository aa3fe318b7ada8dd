"""What a person asks for is resolved and checked before anything is written."""

import dataclasses
import json

import pytest

from skillstack.errors import InputError, MissingError, UsageError
from skillstack.store.store import Store
from skillstack.training.recipe import default_recipe
from skillstack.training.resolve import base_kind, default_precision, prepare, recipe_of, task_names
from skillstack.training.run import train_stack

from .world import RECIPE, own_task


def prepared(**changes):
    return prepare(**{"preset": None, "device": "cpu", **changes})


def test_a_preset_gives_its_tasks_in_order_and_its_name_to_the_stack():
    found = prepared(preset="starter8")
    assert found.job.stack == "starter8"
    assert [data.task.name for data in found.job.tasks] == [*task_names("starter8", ())]
    assert len(found.job.tasks) == 8
    assert found.job.precision == "fp32"


def test_single_tasks_go_onto_the_stack_main():
    found = prepared(tasks=["banking", "travel"])
    assert (found.job.stack, [data.task.name for data in found.job.tasks]) == ("main", ["banking", "travel"])


def test_what_the_person_says_comes_on_top_of_the_preset_and_that_on_top_of_the_base(bert):
    default = default_recipe("minilm", "encoder")
    assert prepared(tasks=["banking"]).job.recipe == default
    changed = prepared(tasks=["banking"], overrides={"epochs": 1, "seed": 7}).job.recipe
    assert changed == dataclasses.replace(default, epochs=1, seed=7)
    assert recipe_of(str(bert), "encoder", None, {}) == default_recipe("x", "encoder")


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"preset": "starter9"}, "starter8"),
        ({"tasks": ["bankin"]}, "banking"),
        ({"preset": "starter8", "tasks": ["banking"]}, "both"),
        ({}, "nothing to train"),
        ({"tasks": ["banking", "travel", "banking"]}, "twice"),
        ({"tasks": ["banking"], "stack": "../up"}, "name"),
        ({"tasks": ["../up"]}, "name"),
        ({"tasks": ["banking"], "stack": "reference"}, "reading only"),
        ({"tasks": ["banking"], "overrides": {"epoch": 3}}, "epochs"),
        ({"tasks": ["banking"], "overrides": {"epochs": -3}}, "epochs"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_a_way_out(asked, says):
    with pytest.raises(UsageError) as caught:
        prepared(**asked)
    assert says in str(caught.value)
    assert caught.value.hint


def test_a_task_that_does_not_ship_asks_for_its_folder():
    with pytest.raises(InputError, match="--data-dir"):
        prepared(tasks=["agnews"])


def test_cuda_asked_for_and_absent_is_said_before_anything_is_done():
    import torch

    if torch.cuda.is_available():
        pytest.skip("needs a machine without CUDA")
    with pytest.raises(MissingError):
        prepared(tasks=["banking"], device="cuda", model="smollm2").load()


@pytest.mark.parametrize(
    "line",
    ['{"text": "", "label": 0}', '{"text": "fine", "label": 9}', '{"text": "a\\u0000b", "label": 0}', "{"],
)
def test_a_broken_row_is_named_and_no_stack_comes_into_being(tmp_path, line):
    import gzip

    data = own_task(tmp_path / "data", "mine", "imdb_sentences")
    file = data / "mine" / "train.jsonl.gz"
    rows = gzip.decompress(file.read_bytes()).decode().splitlines()
    file.write_bytes(gzip.compress("\n".join([*rows[:7], line, *rows[7:]]).encode()))
    store = Store.create(tmp_path / "store")
    before = sorted(store.root.rglob("*"))
    with pytest.raises(InputError) as caught:
        prepared(tasks=["banking", "mine"], data_dir=data)
    assert "8" in str(caught.value)  # the line
    assert store.stacks() == ()
    assert sorted(store.root.rglob("*")) == before


def test_what_was_prepared_trains(tmp_path, bert):
    record = {k: v for k, v in RECIPE.to_record().items() if not isinstance(v, str)}
    overrides = {**record, "learning_rate": 2e-2, "init": "fresh"}
    found = prepared(tasks=["imdb_sentences"], model=str(bert), overrides=overrides)
    store = Store.create(tmp_path / "store")
    result = train_stack(store, found.job, found.load, lambda chain: None, lambda event: None)
    assert result.trained == ("imdb_sentences",)


def test_the_kind_of_a_base_is_read_from_its_configuration_alone(bert, llama, tmp_path):
    assert (base_kind(str(bert)), base_kind(str(llama))) == ("encoder", "decoder")
    assert (base_kind("minilm"), base_kind("smollm2")) == ("encoder", "decoder")
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "llama"}))
    assert base_kind(str(tmp_path)) == "decoder"


def test_on_a_cpu_every_base_is_held_at_full_precision():
    assert default_precision("decoder", "cpu") == default_precision("encoder", "cpu") == "fp32"
