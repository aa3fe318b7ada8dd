"""What was undone comes back without training, as long as the store still holds it."""

import pytest

from skillstack.errors import UsageError
from skillstack.store import gc, transactions
from skillstack.training.progress import FrameDone, FrameKept

from .world import TASKS, Ear, World, job


def test_an_undone_training_run_again_trains_nothing_and_gives_the_same_tip(world: World) -> None:
    tip = world.train(job()).tip
    transactions.undo(world.store, "main")
    ear = Ear()
    result = world.train(job(), ear)
    assert (result.trained, result.kept, result.tip) == ((), TASKS, tip)
    assert not ear.of(FrameDone)
    assert len(ear.of(FrameKept)) == 3


def test_what_a_collection_took_is_trained_again_to_the_same_tip(world: World) -> None:
    tip = world.train(job(TASKS[:1])).tip
    transactions.undo(world.store, "main")
    gc.collect(world.store, dry_run=False, expire_now=True)
    result = world.train(job(TASKS[:1]))
    assert (result.trained, result.tip) == (TASKS[:1], tip)


def test_another_stack_of_the_same_plan_is_trained_on_its_own(world: World) -> None:
    world.train(job(TASKS[:1]))
    result = world.train(job(TASKS[:1], stack="other"))
    assert result.trained == TASKS[:1]
    assert world.ids("other") == world.ids("main")


def test_a_finished_stack_is_not_taken_for_one_of_another_base(world: World) -> None:
    world.train(job(TASKS[:1]))
    with pytest.raises(UsageError, match="One stack has one base"):
        world.train(job(TASKS[:1], base_name="another"))
