"""The frames of a family, which are to become smaller or fewer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from skillstack.answers import Frame
from skillstack.errors import UsageError, did_you_mean
from skillstack.frames.records import Content, Skill


@dataclass(frozen=True)
class Family:
    """Frames that share a family of skills.

    :ivar name: the family's.
    :ivar frames: those that have an adapter, oldest first.
    :ivar idle: names of those that have none: there is nothing to gain from them, and they stay.
    """

    name: str
    frames: tuple[Frame, ...]
    idle: tuple[str, ...] = ()

    @property
    def skills(self) -> tuple[tuple[Frame, Skill], ...]:
        """Every skill of these frames, those of other families on them included: all are affected."""
        return tuple((frame, skill) for frame in self.frames for skill in frame.skills)

    def merged(self, frames: Sequence[Frame]) -> list[tuple[str, Content]]:
        """A stack's contents, oldest first, as a router sees them once these frames are one.

        That one stands where the newest of them is and has the skills of all, those of the oldest first.

        :param frames: of the stack, oldest first.
        """
        own, newest = {frame.id for frame in self.frames}, self.frames[-1].content
        one = replace(newest, skills=tuple(skill for _, skill in self.skills))
        return [
            (frame.content_id, one if frame.content is newest else frame.content)
            for frame in frames
            if frame.id not in own or frame.content is newest
        ]


def family_of(frames: Sequence[Frame], name: str) -> Family:
    """The family of this name on a stack.

    :param frames: of the stack, oldest first.
    :raises UsageError: if the stack has none, or all of its frames are without adapters.
    """
    found = members(frames, name)
    adapted = tuple(frame for frame in found if frame.content.adapter is not None)
    if not adapted:
        raise UsageError(
            f"The frames of the family {name!r} have no adapters, so there is nothing to compress.",
            "Their heads alone are a few kilobytes.",
        )
    idle = tuple(frame.name for frame in found if frame.content.adapter is None)
    return Family(name, adapted, idle)


def members(frames: Sequence[Frame], name: str) -> tuple[Frame, ...]:
    """The frames with a skill of this family, in their order.

    :raises UsageError: if there are none.
    """
    known = dict.fromkeys(skill.family for frame in frames for skill in frame.skills)
    if name not in known:
        raise UsageError(
            f"The stack has no skills of a family {name[:80]!r}.",
            did_you_mean(name, known) if known else "Train something first.",
        )
    return tuple(frame for frame in frames if name in {skill.family for skill in frame.skills})
