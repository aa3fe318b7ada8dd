"""A limit keeps in reserve what must still be done."""

import pytest

from skillstack.training.deadline import Deadline


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
    for taken in (1.0, 4.0, 2.0):
        with deadline.timed("step"):
            clock.now += taken
    assert deadline.expected("step", "checkpoint") == 4.0
    deadline.guess("checkpoint", 3.0)
    deadline.guess("step", 9.0)  # what was measured holds
    assert deadline.expected("step", "step", "checkpoint") == 11.0
    assert deadline.allows("step", "step", "checkpoint")  # 13 seconds are left
    clock.now += 2.0
    assert not deadline.allows("step", "step", "checkpoint")
    assert deadline.allows("step")


def test_what_failed_is_not_expected():
    deadline = Deadline(20.0, clock=(clock := Clock()))
    with pytest.raises(ZeroDivisionError), deadline.timed("step"):
        clock.now += 5.0
        raise ZeroDivisionError
    assert deadline.expected("step") == 0.0
