"""Only the adapter and the head learn; dev chooses; a stopped training goes on as if nothing had been."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from skillstack.errors import IntegrityError, MismatchError, SkillStackError
from skillstack.models.features import features
from skillstack.models.slot import Slot
from skillstack.models.split import SplitModel
from skillstack.skills.head_training import best_logistic, measure
from skillstack.training import loop
from skillstack.training.candidates import FrameCandidate
from skillstack.training.encoded import EncodedDataset
from skillstack.training.fit import lora_spec
from skillstack.training.loop import Loop, Trainer

from .world import RECIPE, Killed, base_tensors, plan_of


class Bench:
    """A base with a task's rows, ready to be trained on any number of times."""

    def __init__(self, base, recipe=RECIPE, task="imdb_sentences"):
        self.base, self.recipe = base, recipe
        self.plan = plan_of(base, task, recipe)
        self.spec = lora_spec(self.plan)
        self.slot = Slot(base)
        split = SplitModel(base, self.spec.first_layer if recipe.cache else 0)
        self.train, self.dev = (
            EncodedDataset.of(split, examples, self.plan.rendering)
            for examples in (self.plan.data.train, self.plan.data.dev)
        )
        self.labels = len(self.plan.data.task.labels)
        self.slot.clear()
        head, dev = best_logistic(
            self.train.features(),
            self.train.labels,
            self.dev.features(),
            self.dev.labels,
            self.labels,
            standardise=base.kind == "decoder",
        )
        self.frozen = FrameCandidate("frozen-linear", None, head, dev)

    def trainer(self, folder: Path, **listeners) -> Trainer:
        self.slot.start_fresh(self.spec, self.recipe.seed)
        return Trainer(self.slot, self.train, self.dev, self.labels, self.recipe, folder=folder, **listeners)

    def run(self, folder: Path, **listeners):
        return self.trainer(folder, **listeners).run([self.frozen], self.frozen.head)


def dying_at(step: int):
    """Ends a training after a step, before anything else is done about it."""

    def tell(done: int, steps: int, loss: float) -> None:
        if done == step:
            raise Killed

    return tell


def bits(outcome) -> tuple:
    chosen = outcome.chosen
    adapter = {name: array.tobytes() for name, array in (chosen.adapter or {}).items()}
    return chosen.name, chosen.dev, adapter, {n: a.tobytes() for n, a in chosen.head.tensors().items()}


@pytest.mark.parametrize("average", [0.5, 0.0])
@pytest.mark.parametrize("seed", range(5))
def test_a_frame_is_never_worse_on_dev_than_the_frozen_base(encoder, tmp_path, seed, average):
    bench = Bench(encoder, dataclasses.replace(RECIPE, seed=seed, average=average))
    outcome = bench.run(tmp_path)
    assert outcome.frozen is bench.frozen
    assert outcome.chosen.dev.correct >= outcome.frozen.dev.correct
    # The accuracy is that of the very tensors that were chosen.
    if outcome.chosen.adapter is None:
        bench.slot.clear()
    else:
        bench.slot.copy_in(outcome.chosen.adapter, bench.spec)
    assert measure(outcome.chosen.head, features(bench.dev.cache), bench.dev.labels) == outcome.chosen.dev


@pytest.mark.parametrize("kind", ["encoder", "decoder"])
@pytest.mark.parametrize("cache", [True, False])
def test_the_base_is_the_same_bit_for_bit_afterwards_and_has_no_gradients(kind, cache, request, tmp_path):
    base = request.getfixturevalue(kind)
    bench = Bench(base, dataclasses.replace(RECIPE, cache=cache))
    before = base_tensors(bench.slot)
    seen = []

    def tell(step: int, steps: int, loss: float) -> None:
        strange = [
            name
            for name, parameter in base.whole.named_parameters()
            if (parameter.requires_grad or parameter.grad is not None) != ("lora_" in name)
        ]
        seen.append((strange, base.model.training))

    bench.run(tmp_path, tell_step=tell)
    assert seen == [([], False)] * 6
    after = base_tensors(bench.slot)
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert not any(p.requires_grad or p.grad is not None for p in base.whole.parameters())


def test_the_adapter_and_the_head_both_learn(encoder, tmp_path):
    bench = Bench(encoder)
    trainer = bench.trainer(tmp_path)
    start = bench.slot.read_out()
    seen: list[FrameCandidate] = []
    trainer._tell_candidate = seen.append
    trainer.run([bench.frozen], bench.frozen.head)
    trained = next(candidate for candidate in seen if candidate.name == "step 6")
    assert trained.adapter.keys() == start.keys()
    assert all(not np.array_equal(trained.adapter[name], start[name]) for name in start)
    assert not np.array_equal(trained.head.weight, bench.frozen.head.weight)
    assert not np.array_equal(trained.head.bias, bench.frozen.head.bias)


def test_the_loss_falls_when_there_is_something_to_learn(encoder, tmp_path):
    bench = Bench(encoder, dataclasses.replace(RECIPE, epochs=20, dropout=0.0, learning_rate=1e-2))
    losses: list[float] = []
    bench.run(tmp_path, tell_step=lambda step, steps, loss: losses.append(loss))
    assert len(losses) == 60
    assert np.mean(losses[-6:]) < 0.7 * np.mean(losses[:6])


def test_the_average_is_the_mean_of_the_weights_after_each_of_the_last_steps(encoder, tmp_path):
    bench = Bench(encoder)
    seen: list[FrameCandidate] = []
    weights: list[dict[str, np.ndarray]] = []
    bench.run(
        tmp_path,
        tell_step=lambda step, steps, loss: weights.append(bench.slot.read_out()),
        tell_candidate=seen.append,
    )
    average = next(candidate for candidate in seen if candidate.name == "average")
    for name, array in average.adapter.items():
        assert np.allclose(array, np.mean([w[name] for w in weights[3:]], axis=0), atol=1e-6)


def test_the_average_keeps_no_graph_of_the_steps_alive(encoder, tmp_path, monkeypatch):
    bench = Bench(encoder)
    trainer = bench.trainer(tmp_path)
    seen: list[bool] = []
    advance = Loop.advance

    def watched(loop):
        taken = advance(loop)
        seen.extend(mean.requires_grad for mean in loop.average.values())
        return taken

    monkeypatch.setattr(Loop, "advance", watched)
    trainer.run([bench.frozen], bench.frozen.head)
    assert seen
    assert not any(seen)


def test_the_cache_changes_speed_alone(encoder, tmp_path):
    losses: dict[bool, list[float]] = {}
    for cache in (True, False):
        losses[cache] = []
        bench = Bench(encoder, dataclasses.replace(RECIPE, cache=cache))
        bench.run(tmp_path / str(cache), tell_step=lambda s, n, loss, to=losses[cache]: to.append(loss))
        bench.slot.remove()
    assert losses[True] == pytest.approx(losses[False], abs=1e-3)


@pytest.mark.parametrize("kind", ["encoder", "decoder"])
@pytest.mark.parametrize("average", [0.0, 0.5])
def test_stopped_after_any_step_and_resumed_it_ends_with_the_same_bits(
    kind, average, request, tmp_path, monkeypatch
):
    bench = Bench(request.getfixturevalue(kind), dataclasses.replace(RECIPE, average=average, checks=2))
    expected = bits(bench.run(tmp_path / "whole"))
    assert not (tmp_path / "whole").exists()  # a short training writes no checkpoint
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", -1.0)
    for step in (1, 2, 4, 6):
        folder = tmp_path / str(step)
        with pytest.raises(Killed):
            bench.run(folder, tell_step=dying_at(step))
        steps: list[int] = []
        outcome = bench.run(folder, tell_step=lambda done, total, loss, to=steps: to.append(done))
        assert bits(outcome) == expected
        assert steps == list(range(step, 7))


def test_stopped_at_every_step_it_ends_with_the_same_bits(encoder, tmp_path, monkeypatch):
    bench = Bench(encoder)
    expected = bits(bench.run(tmp_path / "whole"))
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", -1.0)
    for step in range(2, 7):
        with pytest.raises(Killed):
            bench.run(tmp_path / "often", tell_step=dying_at(step))
    assert bits(bench.run(tmp_path / "often")) == expected


def test_chance_elsewhere_in_the_process_has_no_influence(encoder, tmp_path):
    bench = Bench(encoder)
    expected = bits(bench.run(tmp_path))
    torch.manual_seed(99)
    np.random.seed(99)
    assert bits(bench.run(tmp_path, tell_step=lambda *_: torch.rand(5))) == expected


def test_a_damaged_checkpoint_is_an_error_and_no_silent_start_from_nothing(encoder, tmp_path, monkeypatch):
    bench = Bench(encoder)
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", -1.0)
    with pytest.raises(Killed):
        bench.run(tmp_path, tell_step=dying_at(4))
    (path,) = tmp_path.glob("*.safetensors")
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    with pytest.raises(IntegrityError, match="Delete"):
        bench.run(tmp_path)


def test_a_checkpoint_of_another_adapter_is_refused(encoder, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", -1.0)
    one = Bench(encoder)
    with pytest.raises(Killed):
        one.run(tmp_path, tell_step=dying_at(3))
    one.slot.remove()
    other = Bench(encoder, dataclasses.replace(RECIPE, r=2))
    with pytest.raises(MismatchError):
        other.run(tmp_path)


def test_a_loss_that_is_not_finite_stops_the_training(encoder, tmp_path):
    bench = Bench(encoder)
    head = dataclasses.replace(bench.frozen.head, weight=np.full_like(bench.frozen.head.weight, np.nan))
    with pytest.raises(SkillStackError, match="diverged at step 1"):
        bench.trainer(tmp_path).run([bench.frozen], head)


def test_without_epochs_the_untrained_candidates_are_all_there_is(encoder, tmp_path):
    bench = Bench(encoder, dataclasses.replace(RECIPE, epochs=0))
    outcome = bench.run(tmp_path)
    assert outcome.chosen is bench.frozen


@pytest.mark.parametrize("task", ["wiki_topics", "travel"])
def test_almost_every_token_that_is_computed_is_a_real_one(encoder, tmp_path, task):
    recipe = dataclasses.replace(RECIPE, samples_per_class=48, batch_size=16, epochs=0, max_length=128)
    assert Bench(encoder, recipe, task).run(tmp_path).useful_tokens >= 0.95
