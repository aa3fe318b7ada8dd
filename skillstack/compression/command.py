"""Compressing a family or a stack: planned, guarded, carried out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from skillstack.compression.applying import apply as carry_out
from skillstack.compression.family_plan import plan_family
from skillstack.compression.guard import guard
from skillstack.compression.planned import Planned
from skillstack.compression.present import Subject
from skillstack.compression.result import Compressed
from skillstack.compression.stack_plan import plan_stack
from skillstack.compression.tried import Tried
from skillstack.compression.wish import Wish
from skillstack.store.records import FrameRecord
from skillstack.store.store import Store


def planned(subject: Subject, wish: Wish, tell: Callable[[str], None]) -> Planned:
    """Try what is wished for; nothing changes.

    :raises SkillStackError: one of its kinds, if that cannot be done.
    """
    if wish.family is not None:
        return plan_family(subject, wish.family, wish, tell)
    return plan_stack(subject, wish.target or 0.0, wish, tell)


def compress(
    subject: Subject,
    wish: Wish,
    store: Store,
    fit_router: Callable[[Sequence[tuple[str, FrameRecord]]], object],
    *,
    apply: bool = False,
    transaction: str | None = None,
    tell: Callable[[str], None] = lambda name: None,
) -> Compressed:
    """Try candidates, and with ``apply`` put the chosen one in the place of the frames if it passes.

    :param transaction: that the change belongs to; by default one of its own.
    :param tell: called with the name of each candidate before it is tried, and ``guard`` before that.
    :raises SkillStackError: one of its kinds, if that cannot be done; nothing has changed then.
    """
    found = planned(subject, wish, tell)
    chosen = found.chosen(wish.candidate)
    if not apply or chosen is None:
        return Compressed(found.plan)
    return tested(found, chosen, wish, store, fit_router, transaction=transaction, tell=tell)


def tested(
    found: Planned,
    chosen: Tried,
    wish: Wish,
    store: Store,
    fit_router: Callable[[Sequence[tuple[str, FrameRecord]]], object],
    *,
    transaction: str | None = None,
    tell: Callable[[str], None] = lambda name: None,
) -> Compressed:
    """Ask the guard about a plan's candidate, and carry it out if it passes.

    :param wish: that was planned for.
    :param transaction: as in `compress`; likewise ``tell``.
    :raises SkillStackError: one of its kinds, if that cannot be done; nothing has changed then.
    """
    tell("guard")
    guarded = guard(found.examiner, chosen)
    if not guarded.passes:
        return Compressed(found.plan, guarded)
    note = f"{wish.note}: {chosen.candidate.name}"
    tip = carry_out(found.examiner.present, chosen, store, fit_router, note=note, transaction=transaction)
    return Compressed(found.plan, guarded, tip)
