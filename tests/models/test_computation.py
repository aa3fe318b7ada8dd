"""The same weights under another configuration are another model: it is refused, and what differs named."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import pytest

from skillstack.errors import IntegrityError, MismatchError, SkillStackError
from skillstack.models import sources
from skillstack.models.computation import check_computation
from skillstack.models.loading import load_base
from skillstack.stack import Stack
from skillstack.store.store import Store

from ..adding import learn, train
from ..tiny import store_of
from .tiny import rewrite_config

RECIPE = {"samples_per_class": 4, "dev_samples": 8, "router_samples": 8, "max_length": 32, "epochs": 1}
TASKS = ("imdb_sentences", "travel")
#: Of a configuration, changes under which the weights still load, and how they are named.
SILENT = {
    "norm": ({"layer_norm_eps": 0.5}, "layer_norm_eps is 0.5, not 1e-12"),
    "activation": ({"hidden_act": "relu"}, 'hidden_act is "relu", not "gelu"'),
    "heads": ({"num_attention_heads": 2}, "num_attention_heads is 2, not 4"),
}
#: Changes under which they do not.
LOUD = {
    "a layer more": ({"num_hidden_layers": 5}, r"lack .*encoder\.layer\.4\."),
    "a layer less": ({"num_hidden_layers": 3}, r"have, beyond .*encoder\.layer\.3\."),
    "width": ({"intermediate_size": 64}, "belong together"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a stack on a small encoder, and the encoder; tests only read both."""
    found = tmp_path_factory.mktemp("computation")
    store_of(found, TASKS, RECIPE)
    return found


@pytest.fixture
def altered(folder: Path, tmp_path: Path):
    """Makes a copy of the encoder with another configuration."""

    def alter(**changes: object) -> Path:
        copy = shutil.copytree(folder / "tiny-bert", tmp_path / "tiny-bert")
        rewrite_config(copy, **changes)
        return copy

    return alter


def ask(store: Path, model: Path) -> object:
    return Stack.open(store, "main", model=str(model)).predict(["Which gate does my flight leave from?"])


def test_the_model_that_it_was_trained_on_answers_from_wherever_it_lies(folder, altered):
    assert ask(folder / "frames", altered(transformers_version="4.0.0", torch_dtype="float16"))


@pytest.mark.parametrize("case", SILENT)
def test_what_computes_something_else_neither_answers_nor_trains(folder, altered, tmp_path, case):
    changes, named = SILENT[case]
    other = altered(**changes)
    with pytest.raises(MismatchError, match="computes something else") as refused:
        ask(folder / "frames", other)
    assert named in refused.value.message
    store = shutil.copytree(folder / "frames", tmp_path / "frames")
    before = Store.open(store).tip("main")
    with pytest.raises(MismatchError, match="computes something else"):
        train(tasks=[*TASKS, "banking"], store=store, model=str(other), device="cpu", recipe=RECIPE)
    table = tmp_path / "table.csv"
    table.write_text("text,label\n" + "".join(f"word {i},{'ab'[i % 2]}\n" for i in range(40)))
    with pytest.raises(MismatchError, match="computes something else"):
        learn("mine", table, store=store, stack="main", model=str(other), device="cpu", recipe=RECIPE)
    assert Store.open(store).tip("main") == before


@pytest.mark.parametrize("case", SILENT)
def test_frames_whose_settings_were_never_noted_are_told_by_their_canaries_too(
    folder, altered, tmp_path, case
):
    store = shutil.copytree(folder / "frames", tmp_path / "frames")
    shutil.rmtree(store / "evaluations")
    with pytest.raises(MismatchError, match="computes something else") as refused:
        ask(store, altered(**SILENT[case][0]))
    (changed,) = SILENT[case][0].items()
    assert f"{changed[0]} {json.dumps(changed[1])}" in refused.value.message
    assert ask(store, folder / "tiny-bert")


@pytest.mark.parametrize("case", LOUD)
def test_weights_that_are_too_few_or_too_many_are_named(folder, altered, case):
    changes, named = LOUD[case]
    with pytest.raises(SkillStackError, match=named):
        load_base(str(altered(**changes)), device="cpu")


@pytest.mark.parametrize("keep", [0, 7, 100, 0.5, -1])
def test_weights_that_were_cut_short_are_damaged_and_the_file_is_named(altered, keep):
    file = altered() / "model.safetensors"
    data = file.read_bytes()
    file.write_bytes(data[: int(keep * len(data)) if isinstance(keep, float) else keep])
    with pytest.raises(IntegrityError) as damaged:
        load_base(str(file.parent), device="cpu")
    assert str(file) in damaged.value.message


@pytest.mark.parametrize(
    "changes", [{"num_attention_heads": 6}, {"layer_norm_eps": 0.5}, {"hidden_act": "relu"}]
)
def test_the_built_in_weights_are_refused_with_other_settings_even_without_a_stack(tmp_path, changes):
    copy = shutil.copytree(sources.minilm_folder(), tmp_path / "copy")
    rewrite_config(copy, **changes)
    ((name, value),) = changes.items()
    with pytest.raises(MismatchError, match=f"{name} is {json.dumps(value)}, not"):
        load_base(str(copy), device="cpu")


def test_the_built_in_model_is_known_and_not_asked():
    assert sources.has_own_config()
    base = load_base(device="cpu")
    assert base.packaged
    assert {**base.settings, **sources.SETTINGS} == base.settings


def test_one_sound_frame_proves_a_base_and_it_is_asked_once(folder, monkeypatch):
    store = Store.open(folder / "frames")
    base = load_base(str(folder / "tiny-bert"), device="cpu")
    tip, below = (content for _, content in reversed(store.contents("main")))
    asked = []
    real = Store.canaries
    monkeypatch.setattr(Store, "canaries", lambda self, digest: asked.append(digest) or real(self, digest))
    for _ in range(2):
        check_computation(store, [tip, below], base)
    assert asked == [tip.canaries] and base.proven == {tip.canaries}
    # A frame with another's head is for `verify` to name; the base is not to blame while others agree.
    wrong = dataclasses.replace(tip, skills=(dataclasses.replace(tip.skills[0], head=below.skills[0].head),))
    base.proven.clear()
    check_computation(store, [wrong, below], base)
    assert base.proven == {below.canaries}
