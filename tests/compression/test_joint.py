"""One adapter trained further on rows of all members: kept, and tried only as a last way."""

import pytest

from skillstack.compression import choose, strategies
from skillstack.errors import SkillStackError
from skillstack.training import loop

from ..tiny import copied
from .world import WIDE, compress, right


@pytest.fixture(scope="module")
def together(trained, tmp_path_factory):
    """A stack, and what came of training its sentiment frames together."""
    stack = copied(trained, tmp_path_factory.mktemp("together"))
    told = []
    return stack, compress(stack, method="joint", on_candidate=told.append), told


def test_it_starts_from_the_mean_and_comes_in_every_rank(together):
    _, found, told = together
    candidates = [one.name for one in (*found.plan.candidates, *found.plan.screened)]
    assert sorted(candidates) == ["joint, rank 1", "joint, rank 2", "joint, rank 4"]
    assert "training from linear, rank 4" in told
    assert all(one.merges for one in found.plan.candidates)


def test_it_has_learned_something(together):
    stack, found, _ = together
    assert found.plan.candidates[-1].measured.mean_difference > -0.2
    kept = list((stack.store.root / "derived" / strategies.JOINT_KIND).iterdir())
    assert len(kept) == 1


def test_a_second_time_nothing_is_trained_and_the_plan_is_the_same(together, monkeypatch):
    stack, found, _ = together

    def no_training(*_, **__):
        raise AssertionError("it was trained again")

    monkeypatch.setattr(strategies, "train_adapter", no_training)
    again = compress(stack, method="joint").plan
    assert [one.name for one in again.candidates] == [one.name for one in found.plan.candidates]
    assert [one.dev.after for one in again.candidates] == [one.dev.after for one in found.plan.candidates]


def test_carried_out_it_answers_as_planned(together, tmp_path):
    stack = copied(together[0].store.root, tmp_path)
    name = together[1].plan.candidates[0].name
    found = compress(stack, method="joint", candidate=name, apply=True, margin=0.49, level=0.49)
    assert found.applied, found.guarded
    for change in found.guarded.guard.skills:
        assert change.after.correct == sum(right(stack, change.skill, "guard", routed=False))
    assert stack.frame("sentiment").content.recipe["method"] == "compress-joint"
    assert stack.verify(deep=True)[0].ok


def test_of_all_ways_it_comes_last_and_only_where_no_other_should_pass(stack, monkeypatch):
    trained = []
    real = loop.train_adapter

    def count(*args, **options):
        trained.append(1)
        return real(*args, **options)

    monkeypatch.setattr(strategies, "train_adapter", count)
    easy = compress(stack, **{**WIDE, "margin": 0.45, "level": 0.4}).plan
    assert bool(trained) == (easy.chosen is None or easy.candidate(easy.chosen).strategy == "joint")
    trained.clear()
    monkeypatch.setattr(choose, "LIKELY", 2.0)
    hard = compress(stack).plan
    assert trained and {one.strategy for one in (*hard.candidates, *hard.screened)} >= {"joint", "merge"}
    trained.clear()
    # With so few rows nothing can pass, however well it was trained.
    assert compress(stack, margin=0.0001).plan.candidates and not trained


def diverged(*_, **__):
    raise SkillStackError("The training diverged at step 1.", "Lower the learning rate.")


def test_a_training_that_diverges_says_so_and_changes_nothing(stack, monkeypatch):
    monkeypatch.setattr(strategies, "train_adapter", diverged)
    tip = stack.store.tip(stack.name)
    with pytest.raises(SkillStackError, match="diverged"):
        compress(stack, method="joint", apply=True)
    assert stack.store.tip(stack.name) == tip


def test_of_all_ways_one_that_fails_is_left_out_and_the_others_stay(stack, monkeypatch):
    monkeypatch.setattr(strategies, "train_adapter", diverged)
    monkeypatch.setattr(choose, "LIKELY", 2.0)
    plan = compress(stack).plan
    assert plan.left_out == {"joint": "The training diverged at step 1."}
    assert {one.strategy for one in (*plan.candidates, *plan.screened)} == {"merge", "rank"}
    whole = compress(stack, None, target_bytes=0.8).plan
    assert whole.candidates
