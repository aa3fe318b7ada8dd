"""Compressing a family: planned, guarded, carried out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from skillstack.compression.applying import apply as carry_out
from skillstack.compression.guard import guard
from skillstack.compression.planning import Planner, Tried, Wish
from skillstack.compression.present import Subject
from skillstack.compression.result import Compressed, Plan
from skillstack.errors import UsageError, did_you_mean
from skillstack.frames.records import Content
from skillstack.frames.store import Store


def compress(
    subject: Subject,
    wish: Wish,
    store: Store,
    fit_router: Callable[[Sequence[tuple[str, Content]]], object],
    *,
    candidate: str | None = None,
    apply: bool = False,
    tell: Callable[[str], None] = lambda name: None,
) -> Compressed:
    """Try candidates, and with ``apply`` put the chosen one in the place of the family's frames if it passes.

    :param candidate: name of the one to take; by default the plan's choice.
    :param tell: called with the name of each candidate before it is tried, and ``guard`` before that.
    :raises SkillStackError: one of its kinds, if that cannot be done; nothing has changed then.
    """
    planner = Planner(subject, wish, tell)
    plan = planner.plan()
    chosen = _chosen(plan, planner.tried, candidate)
    if not apply or chosen is None:
        return Compressed(plan)
    tell("guard")
    guarded = guard(planner, chosen)
    if not guarded.passes:
        return Compressed(plan, guarded)
    note = f"compress --family {wish.family}: {chosen.candidate.name}"
    return Compressed(plan, guarded, carry_out(planner, chosen, store, fit_router, note=note))


def _chosen(plan: Plan, tried: Sequence[Tried], name: str | None) -> Tried | None:
    wanted = name or plan.chosen
    if wanted is None:
        return None
    names = [one.candidate.name for one in tried]
    if wanted not in names:
        raise UsageError(f"There is no candidate {wanted[:80]!r}.", did_you_mean(wanted, names))
    return tried[names.index(wanted)]
