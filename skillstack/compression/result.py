"""What a compression would do, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from skillstack.evaluation.intervals import Interval
from skillstack.evaluation.noninferiority import NonInferiority
from skillstack.store.records import Count

Verdict = Literal["passes", "should pass", "loses too much", "cannot tell"]


@dataclass(frozen=True)
class SkillChange:
    """One affected skill, before and after, on the same rows.

    :ivar skill: its name.
    :ivar task: its task.
    :ivar frame: the frame that has it now.
    :ivar before: right answers of the stack as it is.
    :ivar after: right answers of what would take its place.
    :ivar interval: of the difference after minus before, 95 %, paired.
    :ivar test: whether a loss of the margin is refuted.
    """

    skill: str
    task: str
    frame: str
    before: Count
    after: Count
    interval: Interval
    test: NonInferiority

    @property
    def difference(self) -> float:
        """Accuracy after minus before."""
        return self.after.accuracy - self.before.accuracy


@dataclass(frozen=True)
class Whole:
    """The whole stack on the same rows, before or after.

    :ivar accuracy: mean over skills, with the skill given.
    :ivar routed: mean over skills, by the skill that the router picks.
    """

    accuracy: float
    routed: float

    @property
    def regret(self) -> float:
        """What routing costs."""
        return self.accuracy - self.routed


@dataclass(frozen=True)
class Judged:
    """A candidate on one part of the rows.

    :ivar part: ``dev`` or ``guard``.
    :ivar skills: the affected ones.
    :ivar before: the stack as it is.
    :ivar after: the stack as it would be.
    :ivar others: of the other families, texts whose routed answer becomes right or wrong.
    :ivar others_of: of how many.
    :ivar unasked: names of other families' skills of which no row was asked.
    """

    part: str
    skills: tuple[SkillChange, ...]
    before: Whole
    after: Whole
    others: int
    others_of: int
    unasked: tuple[str, ...] = ()

    @property
    def mean_difference(self) -> float:
        """Mean over affected skills of accuracy after minus before."""
        return sum(one.difference for one in self.skills) / len(self.skills)

    @property
    def others_share(self) -> float:
        """Share of other families' texts whose routed answer becomes right or wrong."""
        return self.others / self.others_of if self.others_of else 0.0


@dataclass(frozen=True)
class Candidate:
    """What could take the place of a family's frames.

    :ivar name: what a table calls it.
    :ivar way: the way of compressing.
    :ivar heads: how it comes by its heads.
    :ivar merges: whether the frames become one.
    :ivar bytes: of the stack's adapters afterwards.
    :ivar family_bytes: of the family's adapters afterwards.
    :ivar dev: how it does on dev rows.
    :ivar verdict: what is expected of it.
    :ivar why: in words.
    :ivar chance: that the guard lets all affected skills pass, as far as dev rows tell, 0 to 1.
    :ivar settings: what decided it.
    """

    name: str
    way: str
    heads: str
    merges: bool
    bytes: int
    family_bytes: int
    dev: Judged
    verdict: Verdict
    why: str
    chance: float
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Screened:
    """What was compared on a few short rows only, because others did better there or are smaller.

    :ivar name: what a table calls it.
    :ivar way: the way of compressing.
    :ivar merges: whether the frames become one.
    :ivar bytes: of the stack's adapters afterwards.
    :ivar family_bytes: of the family's adapters afterwards.
    :ivar difference: mean over affected skills of accuracy after minus before, on those rows.
    :ivar rows: how many they are, of all skills together.
    """

    name: str
    way: str
    merges: bool
    bytes: int
    family_bytes: int
    difference: float
    rows: int


@dataclass(frozen=True)
class Plan:
    """What compressing a family, or a whole stack, would do. Nothing has changed.

    :ivar stack: the stack's name.
    :ivar tip: its newest node, on which the plan builds.
    :ivar family: the family; None for the whole stack.
    :ivar target: bytes that the stack's adapters may have; None where nobody said.
    :ivar frames: names of the frames with adapters that it is about, oldest first.
    :ivar idle: names of those without.
    :ivar margin: the loss that is allowed, as a share.
    :ivar level: chance, at most, of passing what loses more.
    :ivar bytes: of the stack's adapters today.
    :ivar family_bytes: of those frames'.
    :ivar candidates: the smallest first.
    :ivar screened: those that were looked at only shortly, the smallest first.
    :ivar chosen: name of the one that is recommended; None where none should pass.
    :ivar guard_rows: by skill, rows that guard.
    :ivar skipped: other skills without rows here, and why.
    :ivar left_out: ways that cannot be tried on this stack, and why.
    :ivar without: names of the family's frames that were to stay as they are.
    :ivar blocking: names of the fewest frames without which the others should pass, as far as the candidates
        tell; empty where one should pass as it is, and where nothing would be left to merge.
    """

    stack: str
    tip: str
    family: str | None
    frames: tuple[str, ...]
    idle: tuple[str, ...]
    margin: float
    level: float
    bytes: int
    family_bytes: int
    candidates: tuple[Candidate, ...]
    chosen: str | None
    guard_rows: Mapping[str, int]
    skipped: Mapping[str, str]
    left_out: Mapping[str, str] = field(default_factory=dict)
    screened: tuple[Screened, ...] = ()
    target: int | None = None
    without: tuple[str, ...] = ()
    blocking: tuple[str, ...] = ()

    def candidate(self, name: str) -> Candidate:
        """The candidate of this name."""
        return next(one for one in self.candidates if one.name == name)


@dataclass(frozen=True)
class Guarded:
    """What the guard says of one candidate.

    :ivar candidate: the candidate.
    :ivar guard: how it does on the guard rows.
    :ivar verdict: ``passes``, ``loses too much`` or ``cannot tell``.
    :ivar why: in words.
    :ivar before: other candidates for which the same rows were read before; each makes it likelier that one
        passes by chance.
    """

    candidate: Candidate
    guard: Judged
    verdict: Verdict
    why: str
    before: int = 0

    @property
    def passes(self) -> bool:
        """Whether it may be carried out."""
        return self.verdict == "passes"


@dataclass(frozen=True)
class Compressed:
    """What compressing did.

    :ivar plan: what was tried.
    :ivar guarded: what the guard says of the chosen candidate; None where it was not asked.
    :ivar tip: the stack's new newest node; None where nothing has changed.
    """

    plan: Plan
    guarded: Guarded | None = None
    tip: str | None = None

    @property
    def applied(self) -> bool:
        """Whether the stack has changed."""
        return self.tip is not None
