"""A limit keeps in reserve what must still be done."""

import pytest

from skillstack.training.progress import Deadline


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_without_a_limit_there_is_time_for_anything():
    deadline = Deadline()
    deadline.guess("step", 1e9)
    assert deadline.allows("step")


def test_a_limit_of_nothing_allows_nothing():
    assert not Deadline(0.0, clock=Clock()).allows()


def test_it_expects_each_part_to_take_as_long_as_it_ever_did():
    clock = Clock()
    deadline = Deadline(20.0, clock=clock)
    deadline.gained = True
    for taken in (1.0, 4.0, 2.0):
        with deadline.timed("step"):
            clock.now += taken
    assert deadline.expected("step", "checkpoint") == 4.0
    deadline.guess("checkpoint", 3.0)
    deadline.guess("step", 3.0)  # less than was measured
    assert deadline.expected("step", "step", "checkpoint") == 11.0
    assert deadline.allows("step", "step", "checkpoint")  # 13 seconds are left
    clock.now += 2.0
    assert not deadline.allows("step", "step", "checkpoint")
    assert deadline.allows("step")


def test_a_guess_that_is_longer_than_what_was_measured_holds():
    deadline = Deadline(20.0, clock=(clock := Clock()))
    with deadline.timed("finish"):
        clock.now += 2.0
    deadline.guess("finish", 9.0)
    assert deadline.expected("finish") == 9.0


def test_what_is_counted_is_expected_to_take_as_long_as_there_is_more_of_it():
    deadline = Deadline(20.0, clock=(clock := Clock()))
    deadline.gained = True
    with deadline.timed("prepare", 100):
        clock.now += 5.0
    assert deadline.expected("store", prepare=200) == pytest.approx(10.0)
    assert deadline.allows(prepare=200)  # 15 seconds are left
    assert not deadline.allows(prepare=400)


def test_a_run_that_gained_nothing_yet_goes_on_beyond_its_limit():
    deadline = Deadline(20.0, clock=(clock := Clock()))
    clock.now += 30.0
    assert deadline.allows("step")
    deadline.gained = True
    assert not deadline.allows("step")


def test_what_failed_is_not_expected():
    deadline = Deadline(20.0, clock=(clock := Clock()))
    with pytest.raises(ZeroDivisionError), deadline.timed("step"):
        clock.now += 5.0
        raise ZeroDivisionError
    assert deadline.expected("step") == 0.0
