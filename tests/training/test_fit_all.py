"""A skill that is learned from every row: chosen by answers to unseen rows, then fitted on all of them."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from skillstack.errors import InputError
from skillstack.models.base import Base
from skillstack.models.loading import load_base
from skillstack.models.slot import Slot
from skillstack.skills.classification import KIND
from skillstack.store.store import Store
from skillstack.training import fit_all
from skillstack.training.frame import NewFrame, make_frame
from skillstack.training.progress import DevMeasured, StepDone

from .world import RECIPE, Ear, Killed, plan_of


@pytest.fixture
def slot(encoder: Base) -> Slot:
    return Slot(encoder)


def learned(folder: Path, slot: Slot, method: str, ear: Ear | None = None) -> NewFrame:
    plan = plan_of(slot.base, recipe=dataclasses.replace(RECIPE, method=method, samples_per_class=0))
    store = Store.open(folder) if (folder / "store.json").exists() else Store.create(folder)
    return make_frame(store, slot, plan, (), place=(1, 1), listen=ear or Ear())


def test_every_row_is_learned_from_and_some_of_them_choose(encoder: Base) -> None:
    everything = plan_of(encoder, recipe=dataclasses.replace(RECIPE, method="auto", samples_per_class=0)).data
    parted = plan_of(encoder, recipe=dataclasses.replace(RECIPE, samples_per_class=0)).data
    rows = {example.row for example in everything.train}
    assert rows > {example.row for example in (*parted.train, *parted.dev)}
    assert {example.row for example in everything.dev} < rows


def test_rows_of_the_guard_are_left_out_where_they_are_asked_for(encoder: Base) -> None:
    recipe = dataclasses.replace(RECIPE, method="auto", samples_per_class=0)
    everything = plan_of(encoder, recipe=recipe).data
    held = plan_of(encoder, recipe=dataclasses.replace(recipe, hold_guard=True)).data
    assert len(held.train) < len(everything.train)


@pytest.mark.parametrize(
    ("method", "head", "state"),
    [("linear", True, False), ("ngrams", False, True), ("average", True, True)],
)
def test_a_simple_frame_has_the_heads_of_its_method_and_no_adapter(
    tmp_path: Path, slot: Slot, method: str, head: bool, state: bool
) -> None:
    ear = Ear()
    made = learned(tmp_path / "frames", slot, method, ear)
    skill = made.content.skills[0]
    assert (skill.head is not None, skill.state is not None) == (head, state)
    assert made.content.adapter is None
    assert not ear.of(StepDone)
    assert made.content.format == (1 if method == "linear" else 2)


def test_the_record_tells_how_well_each_candidate_answered_unseen_rows(tmp_path: Path, slot: Slot) -> None:
    ear = Ear()
    made = learned(tmp_path / "frames", slot, "average", ear)
    metrics = made.content.skills[0].metrics
    assert {"linear_dev", "ngrams_dev", "average_dev"} <= set(metrics)
    assert metrics["dev"] == metrics["average_dev"]
    assert {event.candidate for event in ear.of(DevMeasured)} == {"linear", "ngrams", "average"}


def test_an_adapter_is_trained_twice_and_the_second_time_on_all_rows(tmp_path: Path, slot: Slot) -> None:
    ear = Ear()
    made = learned(tmp_path / "frames", slot, "lora", ear)
    steps = [event.step for event in ear.of(StepDone)]
    assert made.content.adapter is not None
    assert steps == [*range(1, len(steps) // 2 + 1)] * 2


def test_an_adapter_needs_rows_to_be_compared_on(tmp_path: Path, slot: Slot) -> None:
    plan = plan_of(slot.base, recipe=dataclasses.replace(RECIPE, method="lora", samples_per_class=0))
    bare = dataclasses.replace(plan, data=dataclasses.replace(plan.data, dev=()))
    with pytest.raises(InputError, match="leave none to compare an adapter on"):
        make_frame(Store.create(tmp_path / "frames"), slot, bare, (), place=(1, 1), listen=Ear())


def test_an_adapter_that_is_not_clearly_better_gives_way_to_a_simple_head(
    tmp_path: Path, slot: Slot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fit_all, "_clearly_better", lambda *_: False)
    made = learned(tmp_path / "frames", slot, "auto")
    assert made.content.adapter is None
    assert "lora_dev" in made.content.skills[0].metrics


@pytest.mark.parametrize("method", ["lora", "average"])
def test_the_same_rows_give_the_same_frame(tmp_path: Path, slot: Slot, method: str) -> None:
    one = learned(tmp_path / "one", slot, method)
    other = learned(tmp_path / "other", slot, method)
    assert one.content.id == other.content.id


@pytest.mark.parametrize("after", [3, 9])
def test_a_killed_training_ends_with_the_same_frame(
    tmp_path: Path, bert: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    monkeypatch.setattr("skillstack.training.loop.CHECKPOINT_SECONDS", -1.0)

    def again() -> Slot:
        return Slot(load_base(str(bert), device="cpu"))

    whole = learned(tmp_path / "whole", again(), "lora")
    with pytest.raises(Killed):
        learned(tmp_path / "killed", again(), "lora", Ear(die_after=after))
    assert learned(tmp_path / "killed", again(), "lora").content.id == whole.content.id


def test_what_is_stored_answers_as_what_was_chosen(tmp_path: Path, slot: Slot) -> None:
    made = learned(tmp_path / "frames", slot, "average")
    store, skill = Store.open(tmp_path / "frames"), made.content.skills[0]
    answerer = KIND.answerer(store, made.content, skill)
    chosen = made.outcome.chosen
    assert answerer.ngrams is not None and chosen.ngrams is not None
    rows = [example.row for example in plan_of(slot.base).data.train[:5]]
    assert (answerer.ngrams.logits(rows) == chosen.ngrams.logits(rows)).all()
