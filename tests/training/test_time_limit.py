"""A training with a time limit stops in time, loses nothing, and ends as if it had never stopped."""

import dataclasses

import pytest

from skillstack.models.features import HiddenCache
from skillstack.store.verify import verify
from skillstack.training import checkpoint
from skillstack.training.execution import RunState
from skillstack.training.progress import Deadline, FrameStarted, StepDone
from skillstack.training.run import train_stack

from .world import RECIPE, TASKS, Ear, World, job


class Clock:
    """Ten seconds a step; nothing else takes time."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Timed(Ear):
    """Hears a training, and lets time pass."""

    def __init__(self, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__()
        from skillstack.training.steps import Steps

        take = Steps.take

        def taking(inner, *arguments):
            clock.now += 10.0
            return take(inner, *arguments)

        monkeypatch.setattr(Steps, "take", taking)


def run(world, clock, listen, seconds, tasks=TASKS[:2]):
    execution = RunState(deadline=Deadline(seconds, clock=clock))
    return train_stack(world.store, job(tasks), world.load, lambda chain: None, listen, execution)


@pytest.fixture
def whole(make_world):
    world = make_world()
    world.train(job(TASKS[:2]))
    return world


def test_it_stops_before_the_step_that_would_be_late_and_goes_on_where_it_was(whole, world, monkeypatch):
    clock = Clock()
    ear = Timed(clock, monkeypatch)
    result = run(world, clock, ear, 45.0)
    assert not result.complete
    assert (result.trained, result.kept, result.tip) == ((), (), None)
    assert clock.now == 40.0  # the fifth step would have ended at 50
    assert [event.step for event in ear.of(StepDone)] == [1, 2, 3, 4]
    assert verify(world.store).ok
    ear.events.clear()
    result = run(world, clock, ear, 45.0)  # two steps are left of the first frame, and six of the second
    assert (result.trained, result.complete) == (TASKS[:1], False)
    assert [event.resumed_at for event in ear.of(FrameStarted)] == [4, 0]
    assert clock.now == 80.0
    result = run(world, clock, ear, 1000.0)
    assert (result.kept, result.trained, result.complete) == (TASKS[:1], TASKS[1:2], True)
    assert world.ids() == whole.ids()
    assert world.files() == whole.files()


def test_a_limit_of_nothing_stops_at_once_and_does_not_even_load_the_base(world):
    def no_base():
        raise AssertionError("the base was loaded")

    execution = RunState(deadline=Deadline(0.0, clock=Clock()))
    result = train_stack(world.store, job(), no_base, no_base, Ear(), execution)
    assert not result.complete
    assert (result.trained, result.kept, result.tip) == ((), (), None)


def test_where_all_is_done_a_limit_of_nothing_is_enough(whole):
    assert run(whole, Clock(), Ear(), 0.0).complete


def test_a_step_that_is_as_long_as_the_limit_is_never_begun_twice(world, monkeypatch):
    clock = Clock()
    steps = []
    for _ in range(6):
        ear = Timed(clock, monkeypatch)
        monkeypatch.undo()
        ear = Timed(clock, monkeypatch)
        result = run(world, clock, ear, 11.0, TASKS[:1])
        steps += [event.step for event in ear.of(StepDone)]
        if result.complete:
            break
    assert steps == [1, 2, 3, 4, 5, 6]


@pytest.fixture
def reading(monkeypatch):
    """Lets reading a frame's rows take a second for each."""
    clock = Clock()
    fill = HiddenCache.fill

    def filling(cache):
        clock.now += len(cache.encoded.lengths)
        fill(cache)

    monkeypatch.setattr(HiddenCache, "fill", filling)
    return clock


@pytest.mark.parametrize(("limit", "runs"), [(30.0, 7), (60.0, 7), (100.0, 3)])
def test_however_short_the_limit_each_run_gets_further(whole, world, monkeypatch, reading, limit, runs):
    # Reading takes 56 seconds each time, and as much is kept in reserve for the end.
    ear = Timed(reading, monkeypatch)
    done = [run(world, reading, ear, limit, TASKS[:1]).complete for _ in range(runs)]
    assert done == [False] * (runs - 1) + [True]
    assert [event.step for event in ear.of(StepDone)] == [1, 2, 3, 4, 5, 6]
    assert world.ids() == whole.ids()[:1]


def test_loading_the_base_may_take_longer_than_the_limit(world, monkeypatch):
    clock = Clock()
    ear = Timed(clock, monkeypatch)
    load = World.load

    def slow(inner):
        clock.now += 50.0
        return load(inner)

    monkeypatch.setattr(World, "load", slow)
    assert not run(world, clock, ear, 20.0, TASKS[:1]).complete
    assert [event.step for event in ear.of(StepDone)] == [1]


def test_a_frame_of_more_rows_than_there_is_time_for_is_not_begun(world, monkeypatch, reading):
    ear = Timed(reading, monkeypatch)
    result = run(world, reading, ear, 400.0, (TASKS[0], "banking"))
    assert (result.trained, result.complete) == (TASKS[:1], False)
    assert reading.now == 56.0 + 60.0  # 956 rows of banking would have been next


def test_the_time_for_measuring_and_for_the_checkpoint_is_kept(world, monkeypatch):
    clock = Clock()
    ear = Timed(clock, monkeypatch)
    save = checkpoint.save

    def saving(folder, found):
        clock.now += 7.0
        save(folder, found)

    monkeypatch.setattr(checkpoint, "save", saving)
    deadline = Deadline(48.0, clock=clock)
    deadline.guess("checkpoint", 7.0)
    recipe = dataclasses.replace(RECIPE, average=0.0)
    result = train_stack(
        world.store,
        job(TASKS[:1], recipe),
        world.load,
        lambda chain: None,
        ear,
        RunState(deadline=deadline),
    )
    assert not result.complete
    assert clock.now <= 48.0
    assert [event.step for event in ear.of(StepDone)] == [1, 2, 3, 4]
