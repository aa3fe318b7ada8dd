"""The plan of a compression, the guard's verdict, and the outcome."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from skillstack.errors import UsageError, did_you_mean
from skillstack.evaluation.intervals import DIGITS, Interval
from skillstack.evaluation.statistics import NonInferiority
from skillstack.results import SCHEMA
from skillstack.store.records import Count

if TYPE_CHECKING:
    from skillstack.compression.candidate import Candidate

Verdict = Literal["passes", "should pass", "loses too much", "cannot tell"]
#: Chance to pass from which a candidate is chosen.
LIKELY = 0.5
#: Chance to pass below which a candidate is given up before all of its tasks were asked.
HOPELESS = 0.2


@dataclass(frozen=True)
class SkillChange:
    """One affected skill, before and after, on the same rows.

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

    def to_json(self) -> dict[str, Any]:
        """Shares with six digits."""
        test = self.test
        return {
            "skill": self.skill,
            "task": self.task,
            "frame": self.frame,
            "n": test.n,
            "before": count_json(self.before),
            "after": count_json(self.after),
            "difference": round(self.difference, DIGITS),
            "interval": self.interval.to_json(),
            "lost": test.lost,
            "gained": test.gained,
            "disagreement": round(test.disagreement, DIGITS),
            "p": test.p,
            "passes": test.passes,
            "needed": test.needed,
        }


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
class Comparison:
    """A stack before and after, on one part of the rows.

    :ivar part: ``dev`` or ``guard``.
    :ivar before: the stack as it is.
    :ivar after: the stack as it would be.
    :ivar others: routed answers to texts of the other families.
    :ivar unasked: names of other families' skills of which no row was asked.
    """

    part: str
    skills: tuple[SkillChange, ...]
    before: Whole
    after: Whole
    others: NonInferiority
    unasked: tuple[str, ...] = ()

    @property
    def mean_difference(self) -> float:
        """Mean over affected skills of accuracy after minus before."""
        return sum(one.difference for one in self.skills) / len(self.skills)

    def to_json(self) -> dict[str, Any]:
        """Shares are 0 to 1, with six digits."""
        others = self.others
        return {
            "part": self.part,
            "skills": [change.to_json() for change in self.skills],
            "mean_difference": round(self.mean_difference, DIGITS),
            **{
                figure: {
                    "before": round(float(getattr(self.before, figure)), DIGITS),
                    "after": round(float(getattr(self.after, figure)), DIGITS),
                }
                for figure in ("accuracy", "routed", "regret")
            },
            "others": {
                "changed": others.lost + others.gained,
                "lost": others.lost,
                "gained": others.gained,
                "n": others.n,
                "p": others.p,
                "unasked": list(self.unasked),
            },
        }


@dataclass(frozen=True)
class Plan:
    """What compressing a family, or a whole stack, would do. Nothing has changed.

    :ivar tip: its newest node, on which the plan builds.
    :ivar family: the family; None for the whole stack.
    :ivar target: bytes that the stack's adapters may have; None where nobody said.
    :ivar frames: names of the frames with adapters that it is about, oldest first.
    :ivar idle: names of those without.
    :ivar margin: the loss that is allowed, as a share.
    :ivar level: chance, at most, of passing what loses more.
    :ivar bytes: of the stack's adapters today.
    :ivar family_bytes: of those frames'.
    :ivar candidates: those that were evaluated, the smallest first.
    :ivar screened: those that were compared on a few short rows only, because others did better there or are
        smaller; the smallest first.
    :ivar guard_rows: by skill, rows that guard.
    :ivar skipped: other skills without rows here, and why.
    :ivar left_out: strategies that cannot be taken on this stack, and why.
    :ivar without: names of the family's frames that were to stay as they are.
    :ivar blocking: names of the fewest frames without which the others should pass, as far as the candidates
        tell; empty where one should pass as it is, and where nothing would be left to merge.
    :ivar wider: the least margin of a few at which a candidate should pass; None where one does so already.
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
    guard_rows: Mapping[str, int]
    skipped: Mapping[str, str]
    left_out: Mapping[str, str] = field(default_factory=dict)
    screened: tuple[Candidate, ...] = ()
    target: int | None = None
    without: tuple[str, ...] = ()
    blocking: tuple[str, ...] = ()
    wider: float | None = None

    @property
    def chosen(self) -> str | None:
        """Name of the smallest candidate that should pass; None where none should."""
        return next((one.name for one in self.candidates if one.verdict == "should pass"), None)

    @property
    def best(self) -> Candidate | None:
        """The chosen one, or what passes with the highest chance; None where all can hardly pass."""
        if self.chosen is not None:
            return self.candidate(self.chosen)
        found = max(self.candidates, key=lambda one: one.chance, default=None)
        return found if found is not None and found.chance >= HOPELESS else None

    def candidate(self, name: str) -> Candidate:
        """The candidate of this name.

        :raises UsageError: if none of that name was evaluated.
        """
        for one in self.candidates:
            if one.name == name:
                return one
        known = [one.name for one in (*self.candidates, *self.screened)]
        raise UsageError(f"There is no candidate {name[:80]!r}.", did_you_mean(name, known))

    def bytes_with(self, candidate: Candidate) -> int:
        """Size of the stack's adapters with a candidate."""
        return self.bytes - candidate.saved

    def to_json(self) -> dict[str, Any]:
        """What would be done."""
        return {
            "stack": self.stack,
            "tip": self.tip,
            "family": self.family,
            "target_bytes": self.target,
            "frames": list(self.frames),
            "without_adapter": list(self.idle),
            "without": list(self.without),
            "margin": self.margin,
            "level": self.level,
            "bytes": self.bytes,
            "family_bytes": self.family_bytes,
            "candidates": [one.to_json(self.bytes, self.family_bytes) for one in self.candidates],
            "screened": [one.to_json(self.bytes, self.family_bytes) for one in self.screened],
            "chosen": self.chosen,
            "blocking": list(self.blocking),
            "passes_at_margin": self.wider,
            "guard_rows": dict(self.guard_rows),
            "skipped": dict(self.skipped),
            "left_out": dict(self.left_out),
        }


@dataclass(frozen=True)
class Guarded:
    """What the guard says of one candidate.

    :ivar guard: how it does on the guard rows.
    :ivar verdict: ``passes``, ``loses too much`` or ``cannot tell``.
    :ivar before: other candidates for which the same rows were read before; each makes it likelier that one
        passes by chance.
    """

    candidate: Candidate
    guard: Comparison
    verdict: Verdict
    why: str
    before: int = 0

    @property
    def passes(self) -> bool:
        """Whether it may be applied."""
        return self.verdict == "passes"

    def to_json(self) -> dict[str, Any]:
        """Shares with six digits."""
        return {
            "candidate": self.candidate.name,
            "passes": self.passes,
            "verdict": self.verdict,
            "why": self.why,
            "read_before": self.before,
            **self.guard.to_json(),
            "loss_at_most": {one.skill: round(one.test.most, DIGITS) for one in self.guard.skills},
        }


@dataclass(frozen=True, repr=False)
class Compressed:
    """What compressing would do, or did.

    :ivar guarded: what the guard says of the chosen candidate; None where it was not asked.
    :ivar tip: the stack's new newest node; None where nothing has changed.
    """

    plan: Plan
    guarded: Guarded | None = None
    tip: str | None = None
    _go: Callable[[], Compressed] | None = field(default=None, compare=False)

    def apply(self) -> Compressed:
        """Put the chosen candidate in the place of the frames, if the guard lets it pass.

        :raises UsageError: if no candidate should pass, or this was tested or applied already.
        :raises StoreError: if the stack cannot be changed, or is no longer the one of the plan.
        """
        if self._go is None:
            raise UsageError(
                "There is nothing to apply: no candidate should pass, or it was asked already.",
                "Make another plan.",
            )
        return self._go()

    @property
    def applied(self) -> bool:
        """Whether the stack has changed."""
        return self.tip is not None

    def to_json(self) -> dict[str, Any]:
        """The document that `skillstack compress --json` prints."""
        return {
            "schema": SCHEMA,
            "plan": self.plan.to_json(),
            "guarded": None if self.guarded is None else self.guarded.to_json(),
            "applied": self.applied,
            "tip": self.tip,
        }

    def __repr__(self) -> str:
        what = self.plan.family or self.plan.stack
        if self.guarded is not None:
            return f"Compressed({what}: {self.guarded.candidate.name} {self.guarded.verdict})"
        return f"Compressed({what}: {self.plan.chosen or 'no candidate'} is planned)"


def count_json(count: Count) -> dict[str, Any]:
    """Right answers, of how many."""
    return {"accuracy": round(count.accuracy, DIGITS), "correct": count.correct, "n": count.n}
