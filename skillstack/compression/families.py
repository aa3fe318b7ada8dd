"""The frames of a family, which are to become smaller or fewer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from skillstack.answers import Frame
from skillstack.errors import UsageError, did_you_mean
from skillstack.store.records import FrameRecord, Skill
from skillstack.wording import listed


@dataclass(frozen=True)
class Family:
    """Frames that share a family of skills.

    :ivar name: the family's.
    :ivar frames: those that have an adapter, oldest first.
    :ivar idle: names of those that have none: there is nothing to gain from them, and they stay.
    :ivar without: names of those that stay because somebody said so.
    """

    name: str
    frames: tuple[Frame, ...]
    idle: tuple[str, ...] = ()
    without: tuple[str, ...] = ()

    @property
    def skills(self) -> tuple[tuple[Frame, Skill], ...]:
        """Every skill of these frames, those of other families on them included: all are affected."""
        return tuple((frame, skill) for frame in self.frames for skill in frame.skills)


def merged_chain(frames: Sequence[Frame], families: Sequence[Family]) -> list[tuple[str, FrameRecord]]:
    """A stack's contents, oldest first, as a router sees them once the frames of each family are one.

    That one stands where the newest of them is and has the skills of all, those of the oldest first.

    :param frames: of the stack, oldest first.
    :param families: no two of them with a common frame.
    """
    owner = {frame.id: family for family in families for frame in family.frames}
    found = []
    for frame in frames:
        family, content = owner.get(frame.id), frame.content
        if family is not None and frame.id != family.frames[-1].id:
            continue
        if family is not None:
            content = replace(content, skills=tuple(skill for _, skill in family.skills))
        found.append((frame.content_id, content))
    return found


def families_of(frames: Sequence[Frame]) -> tuple[Family, ...]:
    """Every frame with an adapter in one family, whole families first come first served, oldest first.

    :param frames: of the stack, oldest first.
    """
    left = [frame for frame in frames if frame.content.adapter is not None]
    found = []
    for name in dict.fromkeys(skill.family for frame in left for skill in frame.skills):
        own = tuple(frame for frame in left if name in {skill.family for skill in frame.skills})
        if own:
            found.append(Family(name, own))
            left = [frame for frame in left if frame not in own]
    return tuple(found)


def family_of(frames: Sequence[Frame], name: str, without: Sequence[str] = ()) -> Family:
    """The family of this name on a stack.

    :param frames: of the stack, oldest first.
    :param without: frames of it that are to stay as they are, by their names or those of their skills.
    :raises UsageError: if the stack has none, or all of its frames are without adapters; if a frame that is
        to stay is not one of them, or none is left.
    """
    found = members(frames, name)
    staying = _staying(found, name, without)
    if staying and len(staying) == len(found):
        raise UsageError(f"Without {listed(list(staying))} nothing of the family {name!r} is left.")
    found = tuple(frame for frame in found if frame.name not in staying)
    adapted = tuple(frame for frame in found if frame.content.adapter is not None)
    if not adapted:
        raise UsageError(
            f"The frames of the family {name!r} have no adapters, so there is nothing to compress.",
            "Their heads alone are a few kilobytes.",
        )
    idle = tuple(frame.name for frame in found if frame.content.adapter is None)
    return Family(name, adapted, idle, staying)


def _staying(found: Sequence[Frame], family: str, without: Sequence[str]) -> tuple[str, ...]:
    """Names of the frames that are to stay, oldest first."""
    owner = {skill.name: frame.name for frame in found for skill in frame.skills}
    owner |= {frame.name: frame.name for frame in found}
    for name in without:
        if name not in owner:
            raise UsageError(f"The family {family!r} has no frame {name[:80]!r}.", did_you_mean(name, owner))
    named = {owner[name] for name in without}
    return tuple(frame.name for frame in found if frame.name in named)


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
