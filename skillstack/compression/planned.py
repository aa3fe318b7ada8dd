"""A plan with what it takes to carry it out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from skillstack.compression.examining import Examiner
from skillstack.compression.result import Plan
from skillstack.compression.tried import Tried
from skillstack.compression.verdicts import HOPELESS
from skillstack.errors import UsageError, did_you_mean


@dataclass(frozen=True, eq=False)
class Planned:
    """A plan.

    :ivar plan: in figures.
    :ivar tried: its candidates, in the plan's order.
    :ivar examiner: has judged them, and judges the guard rows.
    """

    plan: Plan
    tried: tuple[Tried, ...]
    examiner: Examiner

    def chosen(self, name: str | None) -> Tried | None:
        """The candidate of this name, or the plan's choice; None where there is none.

        :raises UsageError: if there is no candidate of the name.
        """
        wanted = name or self.plan.chosen
        if wanted is None:
            return None
        names = [one.candidate.name for one in self.tried]
        if wanted not in names:
            known = [*names, *(one.name for one in self.plan.screened)]
            raise UsageError(f"There is no candidate {wanted[:80]!r}.", did_you_mean(wanted, known))
        return self.tried[names.index(wanted)]

    @property
    def best(self) -> Tried | None:
        """The plan's choice, or what passes with the highest chance; None where all can hardly pass."""
        found = self.chosen(None) or max(self.tried, key=lambda one: one.candidate.chance, default=None)
        return found if found is not None and found.candidate.chance >= HOPELESS else None


def choice(tried: Sequence[Tried]) -> str | None:
    """The name of the first that should pass, of some in a plan's order; None where none should."""
    return next((one.candidate.name for one in tried if one.candidate.verdict == "should pass"), None)


def in_order(tried: Sequence[Tried]) -> tuple[Tried, ...]:
    """The smallest first; of equal ones the best on dev rows."""
    return tuple(sorted(tried, key=lambda one: (one.candidate.bytes, -one.candidate.dev.mean_difference)))
