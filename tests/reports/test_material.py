"""What a report tells about frames, from a store."""

from __future__ import annotations

from pathlib import Path

import pytest

from skillstack.reports.material import frame_facts
from skillstack.stack import Stack

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def stack() -> Stack:
    return Stack.open(ROOT / "frames", "reference")


def test_frames_are_told_with_their_parents_sizes_seeds_and_training(stack):
    frames = tuple(reversed(stack.frames()))
    found = frame_facts(stack.store, frames)
    assert [one.name for one in found] == [frame.name for frame in frames]
    assert [one.parent for one in found[1:]] == [one.name for one in found[:-1]]
    assert found[0].parent is None
    assert all(one.seconds and one.seconds > 0 and one.seed == 42 for one in found)
    assert all(one.head_bytes and one.head_bytes > 100 for one in found)
    assert all("torch" in one.environment for one in found)


def test_a_start_outside_of_the_stack_is_told_by_its_id(stack):
    frames = tuple(reversed(stack.frames()))
    started = [frame for frame in frames if frame.content.init_from is not None]
    assert started
    alone = frame_facts(stack.store, started[:1])
    assert alone[0].init_from == started[0].content.init_from
    together = frame_facts(stack.store, frames)
    assert {one.init_from for one in together} <= {None} | {one.name for one in together}
