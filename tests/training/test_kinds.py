"""The loop trains a kind of skill that has no head: the adapter alone learns, and dev chooses."""

import numpy as np
import pytest

from skillstack.skills.base import SkillOutcome
from skillstack.skills.classification import Classification
from skillstack.skills.head_training import HeadTraining

from .test_loop import Bench, dying_at
from .world import Killed


class Fixed(Classification):
    """Labels by a head that stays as it is, and that no frame keeps."""

    def training(self, base, train, dev, start, *, labels, smoothing, read_train, read_dev):
        return FixedTraining(base, train, dev, start, labels, smoothing, (read_train, read_dev))


class FixedTraining(HeadTraining):
    """Trains nothing beside the adapter."""

    def parameters(self):
        self._head.requires_grad_(False)
        return {}

    def measure(self):
        return SkillOutcome(None, super().measure().dev)

    def refit(self):
        return None


@pytest.fixture
def bench(encoder) -> Bench:
    return Bench(encoder)


def test_the_adapter_alone_learns(bench, tmp_path):
    seen = []
    trainer = bench.trainer(tmp_path, kind=Fixed(), tell_candidate=seen.append)
    start = bench.slot.read_out()
    outcome = trainer.run([bench.frozen], bench.frozen.head)
    names = [candidate.name for candidate in seen]
    assert names[0] == "frozen-linear" and "step 6" in names and "refit" not in names
    trained = seen[names.index("step 6")]
    assert trained.learned_head is None
    assert all(not np.array_equal(trained.adapter[name], start[name]) for name in start)
    assert outcome.chosen in seen
    with pytest.raises(ValueError, match="no head"):
        trained.head  # noqa: B018


def test_a_killed_training_ends_as_one_that_was_not(bench, tmp_path, monkeypatch):
    monkeypatch.setattr("skillstack.training.loop.CHECKPOINT_SECONDS", -1.0)
    monkeypatch.setattr(
        "skillstack.training.loop.Trainer._consider",
        lambda trainer, candidate: setattr(trainer, "_best", candidate),
    )
    whole = bench.trainer(tmp_path / "whole", kind=Fixed()).run([bench.frozen], bench.frozen.head)
    with pytest.raises(Killed):
        bench.trainer(tmp_path / "cut", kind=Fixed(), tell_step=dying_at(4)).run(
            [bench.frozen], bench.frozen.head
        )
    resumed = bench.trainer(tmp_path / "cut", kind=Fixed()).run([bench.frozen], bench.frozen.head)
    assert whole.chosen.learned_head is resumed.chosen.learned_head is None
    assert whole.chosen.dev == resumed.chosen.dev
    for name, array in whole.chosen.adapter.items():
        assert np.array_equal(array, resumed.chosen.adapter[name])
