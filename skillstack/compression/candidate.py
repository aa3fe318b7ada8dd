"""The frames of a family, and candidates to replace them, with all that becomes known of these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from skillstack.compression.results import Comparison, Verdict
from skillstack.errors import UsageError, did_you_mean
from skillstack.evaluation.intervals import DIGITS
from skillstack.results import Frame
from skillstack.store.records import Skill
from skillstack.wording import listed

if TYPE_CHECKING:
    from skillstack.compression.deltas import Adapter
    from skillstack.evaluation.statistics import NonInferiority
    from skillstack.models.heads import Head


@dataclass(frozen=True)
class FamilyFrames:
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

    @property
    def bytes(self) -> int:
        """Size of its adapters' files; each frame has one of its own."""
        return sum(frame.adapter_bytes for frame in self.frames)


@dataclass(frozen=True, eq=False)
class Replacement:
    """Adapters and heads that replace those of a family's frames.

    :ivar name: what a table calls it: ``ties, rank 8``.
    :ivar adapters: by the name of each frame; the same one for all where the frames become one.
    :ivar settings: what decided it, for the record.
    :ivar merges: whether the frames become one.
    :ivar heads: by the names of the skills; empty until they were fitted.
    :ivar heads_from: their source.
    """

    name: str
    strategy: str
    family: FamilyFrames
    adapters: Mapping[str, Adapter]
    settings: Mapping[str, str] = field(default_factory=dict)
    merges: bool = False
    heads: Mapping[str, Head] = field(default_factory=dict)
    heads_from: str = ""

    @cached_property
    def bytes(self) -> int:
        """Size of the adapters' files, one for each frame that there will be."""
        sizes = [adapter.bytes for adapter in self.adapters.values()]
        return sizes[0] if self.merges else sum(sizes)


@dataclass(frozen=True, eq=False)
class Candidate:
    """Replacements for a family's frames, or for several families'.

    :ivar parts: what takes the place of which family; one, unless a whole stack is compressed.
    :ivar whole: whether a whole stack is compressed.
    :ivar given: name of a skill whose head may answer for all of the same labels; empty for none.
    :ivar screened: by skill, its answers to a few short dev rows before and after.
    :ivar dev: how the stack does on all dev rows before and after; None where it was only screened.
    :ivar verdict: what is expected of the guard.
    :ivar chance: that the guard lets all affected skills pass, as far as dev rows tell, 0 to 1.
    """

    parts: tuple[Replacement, ...]
    whole: bool = False
    given: str = ""
    screened: Mapping[str, NonInferiority] = field(default_factory=dict)
    dev: Comparison | None = None
    verdict: Verdict = "cannot tell"
    why: str = ""
    chance: float = 0.0

    @property
    def name(self) -> str:
        """What a table calls it."""
        if self.whole:
            return "; ".join(f"{family}: {name}" for family, name in self.settings.items())
        return self.parts[0].name

    @property
    def strategy(self) -> str:
        """How it was made."""
        return "stack" if self.whole else self.parts[0].strategy

    @property
    def settings(self) -> Mapping[str, str]:
        """What decided it; of a whole stack what becomes of which family."""
        return {part.family.name: part.name for part in self.parts} if self.whole else self.parts[0].settings

    @property
    def merges(self) -> bool:
        """Whether frames become one."""
        return any(part.merges for part in self.parts)

    @property
    def bytes(self) -> int:
        """Size of its adapters' files."""
        return sum(part.bytes for part in self.parts)

    @property
    def saved(self) -> int:
        """Bytes that it takes away from the stack's adapters."""
        return sum(part.family.bytes - part.bytes for part in self.parts)

    @property
    def heads(self) -> str:
        """The sources of its heads."""
        return ", ".join(dict.fromkeys(part.heads_from for part in self.parts))

    @property
    def skills(self) -> tuple[tuple[Frame, Skill], ...]:
        """Every affected skill with its frame."""
        return tuple(pair for part in self.parts for pair in part.family.skills)

    @property
    def measured(self) -> Comparison:
        """How the stack does on all dev rows.

        :raises ValueError: if it was only screened.
        """
        if self.dev is None:
            raise ValueError(f"the candidate {self.name} was not evaluated")
        return self.dev

    @property
    def screened_difference(self) -> float:
        """Mean over skills of accuracy after minus before, on the short rows."""
        return sum(-test.loss for test in self.screened.values()) / max(len(self.screened), 1)

    @property
    def screened_rows(self) -> int:
        """How many short rows it was compared on."""
        return sum(test.n for test in self.screened.values())

    def with_heads(self, heads: Mapping[str, Head], heads_from: str) -> Candidate:
        """The candidate of one family with heads of its skills."""
        (part,) = self.parts
        return replace(self, parts=(replace(part, heads=heads, heads_from=heads_from),))

    def to_json(self, stack_bytes: int, family_bytes: int) -> dict[str, Any]:
        """What is known of it.

        :param stack_bytes: size of the stack's adapters as they are.
        :param family_bytes: that of those which it may replace.
        """
        what = {
            "name": self.name,
            "way": self.strategy,
            "merges": self.merges,
            "bytes": {"before": stack_bytes, "after": stack_bytes - self.saved},
            "family_bytes": {"before": family_bytes, "after": family_bytes - self.saved},
        }
        if self.dev is None:
            return {
                **what,
                "mean_difference": round(self.screened_difference, DIGITS),
                "rows": self.screened_rows,
            }
        return {
            **what,
            "heads": self.heads,
            "settings": dict(self.settings),
            "verdict": self.verdict,
            "why": self.why,
            "chance": round(self.chance, DIGITS),
            **self.dev.to_json(),
        }


def families_of(frames: Sequence[Frame]) -> tuple[FamilyFrames, ...]:
    """The families of a stack, oldest first; each frame with an adapter is in one of them.

    :param frames: of the stack, oldest first.
    """
    left = [frame for frame in frames if frame.content.adapter is not None]
    found = []
    for name in dict.fromkeys(skill.family for frame in left for skill in frame.skills):
        own = tuple(frame for frame in left if name in {skill.family for skill in frame.skills})
        if own:
            found.append(FamilyFrames(name, own))
            left = [frame for frame in left if frame not in own]
    return tuple(found)


def family_of(frames: Sequence[Frame], name: str, without: Sequence[str] = ()) -> FamilyFrames:
    """The family of this name on a stack.

    :param frames: of the stack, oldest first.
    :param without: frames of it that are to stay as they are, by their names or those of their skills.
    :raises UsageError: if the stack has none, or all of its frames are without adapters; if a frame that is
        to stay is not one of them, or none is left.
    """
    found = frames_with(frames, name)
    owner = {known: frame for frame in found for known in (*(s.name for s in frame.skills), frame.name)}
    for one in without:
        if one not in owner:
            raise UsageError(f"The family {name!r} has no frame {one[:80]!r}.", did_you_mean(one, owner))
    staying = tuple(frame.name for frame in found if frame in [owner[one] for one in without])
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
    return FamilyFrames(name, adapted, idle, staying)


def frames_with(frames: Sequence[Frame], family: str) -> tuple[Frame, ...]:
    """The frames with a skill of this family, in their order.

    :raises UsageError: if there are none.
    """
    known = dict.fromkeys(skill.family for frame in frames for skill in frame.skills)
    if family not in known:
        raise UsageError(
            f"The stack has no skills of a family {family[:80]!r}.",
            did_you_mean(family, known) if known else "Train something first.",
        )
    return tuple(frame for frame in frames if family in {skill.family for skill in frame.skills})
