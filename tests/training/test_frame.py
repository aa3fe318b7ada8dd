"""What a frame's training may start from, and the shape of its adapter."""

import dataclasses

import numpy as np
import pytest

from skillstack.models import canaries
from skillstack.models.adapter_config import parse
from skillstack.models.slot import Slot
from skillstack.store.store import Store
from skillstack.training.fit import lora_spec
from skillstack.training.frame import make_frame
from skillstack.training.progress import DevMeasured, FrameStarted

from .world import RECIPE, Ear, plan_of


def make(tmp_path, base, plan):
    store = Store.create(tmp_path / "store")
    ear = Ear()
    return store, make_frame(store, Slot(base), plan, (), place=(1, 1), listen=ear), ear


def test_the_attention_of_the_uppermost_layers_is_adapted(encoder, decoder):
    spec = lora_spec(plan_of(encoder))
    assert (spec.r, spec.alpha, spec.first_layer) == (4, 8, 2)
    assert spec.targets == ("query", "key", "value", "dense")
    assert lora_spec(plan_of(decoder)).targets == ("q_proj", "k_proj", "v_proj", "o_proj")
    everything = dataclasses.replace(RECIPE, top_layers=0, targets=("value",))
    assert lora_spec(plan_of(encoder, recipe=everything)).first_layer == 0
    assert lora_spec(plan_of(encoder, recipe=everything)).targets == ("value",)
    more = dataclasses.replace(RECIPE, top_layers=9)
    assert lora_spec(plan_of(encoder, recipe=more)).first_layer == 0


def test_what_is_adapted_by_default_depends_on_the_bases_architecture(encoder):
    plan = plan_of(encoder)
    other = dataclasses.replace(plan, base=dataclasses.replace(plan.base, architecture="distilbert"))
    assert "q_lin" in lora_spec(other).targets
    named = dataclasses.replace(other, recipe=dataclasses.replace(RECIPE, targets=("k_lin",)))
    assert lora_spec(named).targets == ("k_lin",)


@pytest.mark.usefixtures("last_candidate_wins")
@pytest.mark.parametrize("kind", ["encoder", "decoder"])
def test_its_files_are_in_the_store_and_fit_each_other(tmp_path, kind, request):
    base = request.getfixturevalue(kind)
    plan = plan_of(base)
    store, made, ear = make(tmp_path, base, plan)
    content = made.content
    assert ear.of(FrameStarted)[0] == FrameStarted(1, 1, plan.name, 24, 6, 0)
    assert content.plan == plan.digest()
    assert content.recipe == plan.recipe.to_record()
    assert parse(store.adapter_config(content.adapter)).spec == dataclasses.replace(
        lora_spec(plan), targets=parse(store.adapter_config(content.adapter)).spec.targets
    )
    head = store.head(content.skills[0].head)
    assert head["weight"].shape == (2, 32)
    stored = canaries.from_record(store.canaries(content.canaries))[content.name]
    assert stored.effect > 1e-3
    assert all((store.root / relative).is_file() for relative in content.files)
    assert store.stacks() == ()  # a frame is made before it is pushed


def test_a_frame_that_the_frozen_base_wins_has_a_head_alone(tmp_path, encoder):
    plan = plan_of(encoder, recipe=dataclasses.replace(RECIPE, epochs=0))
    store, made, _ = make(tmp_path, encoder, plan)
    assert made.content.adapter is None
    assert made.content.init_from is None
    assert not (store.root / "adapters").exists()
    stored = canaries.from_record(store.canaries(made.content.canaries))[plan.name]
    assert np.array_equal(stored.plain, stored.adapted)
    metrics = made.content.skills[0].metrics
    assert metrics["dev"] == metrics["frozen_linear_dev"]


@pytest.mark.parametrize("words", [True, False])
def test_a_decoder_may_start_from_its_label_words(tmp_path, decoder, words):
    plan = plan_of(decoder, recipe=dataclasses.replace(RECIPE, words=words))
    _, _, ear = make(tmp_path, decoder, plan)
    assert ("label-words" in {event.candidate for event in ear.of(DevMeasured)}) == words
