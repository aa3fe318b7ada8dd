"""The memory is bounded and even-handed, and it reminds."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillstack.continual.methods import replay
from skillstack.continual.methods.replay import _Drawn, by_turns


def test_the_memory_never_holds_more_than_its_bound(room, monkeypatch):
    monkeypatch.setattr(replay, "BOUND", 15)
    learner = room.learner("replay", learn=1)
    assert sum(len(rows) for _, rows in learner.memory) == 15
    learner.learn(room.order()[1])
    assert [len(rows) for _, rows in learner.memory] == [7, 7]


def test_it_keeps_as_many_rows_of_each_class_as_can_be(room, monkeypatch):
    monkeypatch.setattr(replay, "BOUND", 16)
    learner = room.learner("replay")
    task, rows = learner.memory[0]
    assert set(Counter(task.train.labels[row] for row in rows).values()) == {4}


@given(st.lists(st.integers(0, 4), max_size=60), st.integers(0, 70))
def test_turns_take_no_more_than_there_is_and_no_class_more_than_its_turn(labels, count):
    rows = by_turns(labels, count)
    assert len(rows) == len(set(rows)) == min(count, len(labels))
    taken, there = Counter(labels[row] for row in rows), Counter(labels)
    least = min((taken[label] for label in there if taken[label] < there[label]), default=len(labels))
    assert all(count <= least + 1 for count in taken.values())


def test_fewer_rows_stay_a_part_of_more(room):
    labels = room.order()[1].train.labels
    assert set(by_turns(labels, 10)) <= set(by_turns(labels, 20))


@pytest.mark.parametrize(("share", "expected"), [(1.0, 8), (0.5, 4), (0.0, 0)])
def test_a_step_gets_its_share_of_memory_and_no_row_twice(share, expected):
    drawn = _Drawn(100, 20, share, "seed").rows(1, 8)
    assert len(drawn) == len(set(drawn)) == expected
    assert all(100 <= row < 120 for row in drawn)


def test_rows_of_the_memory_count_as_rows_read(room):
    assert room.learner("replay").cost.rows > room.learner("sequential").cost.rows
