"""What a router is fitted on: the sample rows of each skill, in stack order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from skillstack.errors import UsageError
from skillstack.routers.features import HashedRows


@dataclass(frozen=True)
class SkillSamples:
    """The sample rows of one skill.

    :ivar skill: its name.
    :ivar frame: position of its frame in the stack, 0 for the oldest; skills of one frame share it.
    :ivar rows: the hashed rows, at least one.
    """

    skill: str
    frame: int
    rows: HashedRows


def check_samples(samples: Sequence[SkillSamples]) -> tuple[SkillSamples, ...]:
    """These samples, if they stand in stack order, oldest to newest, with names of their own and rows.

    :raises UsageError: if there are none, a name occurs twice, a skill has no rows, or the order is wrong.
    """
    if not samples:
        raise UsageError("A router needs at least one skill.", "Train a frame first.")
    names = [s.skill for s in samples]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(f"The skill {twice[0]!r} occurs twice.", "Give each skill a name of its own.")
    empty = [s.skill for s in samples if not len(s.rows)]
    if empty:
        raise UsageError(f"The skill {empty[0]!r} has no router samples.", "Keep at least one row per skill.")
    frames = [s.frame for s in samples]
    if frames != sorted(frames) or frames[0] < 0:
        raise UsageError("The skills are not in stack order.", "Give the oldest frame first.")
    return tuple(samples)
