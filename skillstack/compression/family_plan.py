"""The plan for one family."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from skillstack.compression.blocking import blocking
from skillstack.compression.candidates.proposal import Way
from skillstack.compression.candidates.registry import ways
from skillstack.compression.examining import Examiner
from skillstack.compression.families import Family, family_of
from skillstack.compression.planned import Planned, choice, in_order
from skillstack.compression.planning import Planner
from skillstack.compression.present import Present, Subject, stack_rows
from skillstack.compression.result import Plan
from skillstack.compression.rows import SkillRows
from skillstack.compression.wish import Wish
from skillstack.errors import InputError, SkillStackError, UsageError
from skillstack.wording import many


def plan_family(subject: Subject, name: str, wish: Wish, tell: Callable[[str], None]) -> Planned:
    """Try candidates for a family.

    :param name: the family's.
    :raises UsageError: if there is no such family or way, or nothing to do for it.
    :raises MismatchError: if an adapter does not fit the base.
    :raises SkillStackError: one of its kinds, if an affected skill's rows cannot be had.
    """
    terms, wanted = wish.terms, ways(wish.method)
    family = family_of(subject.frames, name, wish.without)
    if len(family.frames) == 1:
        wanted = tuple(way for way in wanted if way.alone)
        if not wanted:
            said = (
                f"Of the family {name!r} one frame is left"
                if family.without
                else f"The family {name!r} has one frame"
            )
            raise UsageError(
                f"{said}, so there is nothing to merge.",
                "--method rank makes its adapter smaller.",
            )
    affected = {skill.name for _, skill in family.skills}
    rows, skipped = stack_rows(subject, affected, terms)
    check_rows(rows, affected)
    present = Present(subject, rows)
    check_adapters(present, family)
    wanted, left_out = that_fit(present, wanted)
    examiner = Examiner(present, terms)
    planner = Planner(examiner, family, wanted, tell)
    planner.look(wish.candidate)
    planner.try_best(wish.candidate)
    planner.try_last(wish.candidate)
    planner.try_any()
    if not planner.tried:
        raise UsageError(
            f"There is nothing to make smaller in the family {name!r}.", "Its adapters have rank 1 already."
        )
    tried = in_order(planner.tried)
    candidates = tuple(one.candidate for one in tried)
    guard_rows = {one.skill.name: len(one.guard) for one in rows}
    plan = Plan(
        stack=subject.name,
        tip=subject.frames[-1].id,
        family=name,
        frames=tuple(frame.name for frame in family.frames),
        idle=family.idle,
        without=family.without,
        margin=terms.margin,
        level=terms.level,
        bytes=examiner.bytes,
        family_bytes=examiner.bytes_of(family),
        candidates=candidates,
        chosen=choice(tried),
        blocking=blocking(family, candidates, guard_rows),
        guard_rows=guard_rows,
        skipped=skipped,
        left_out={**left_out, **planner.left_out},
        screened=planner.screened,
    )
    return Planned(plan, tried, examiner)


def check_rows(rows: Sequence[SkillRows], affected: Collection[str]) -> None:
    """See that there is something to choose by.

    :param affected: names of skills.
    :raises InputError: if one of these has no dev row.
    """
    for one in rows:
        if one.skill.name in affected and not len(one.dev):
            raise InputError(
                f"The {many(len(one.fit), 'row')} of {one.skill.name!r} leave none to choose by.",
                f"Give two or more of each label with --rows {one.skill.name}=FILE.",
            )


def check_adapters(present: Present, family: Family) -> None:
    """See that every adapter of a family does something.

    :raises UsageError: if one does nothing.
    """
    for frame in family.frames:
        if present.adapters[frame.name].is_zero:
            raise UsageError(
                f"The adapter of the frame {frame.name!r} is zero: it changes nothing.",
                "Train the frame again, or take it off the stack with `skillstack ablate`.",
            )


def that_fit(present: Present, wanted: tuple[Way, ...]) -> tuple[tuple[Way, ...], dict[str, str]]:
    """The ways that can be gone on a stack; with them, why others cannot.

    Those that make one frame of several need a router fitted for that, and so every skill's sample texts.

    :raises SkillStackError: one of its kinds, if none is left.
    """
    subject = present.subject
    try:
        present.store.check_texts(frame.content for frame in subject.frames)
        for name, (_, skill) in subject.skills.items():
            if skill.samples is None:
                raise UsageError(f"The skill {name!r} kept no samples for a router.", "Train it again.")
    except SkillStackError as error:
        left = tuple(way for way in wanted if way.alone)
        if not left:
            error.hint = f"{error.hint} Or try --method rank, which leaves the router as it is."
            raise
        return left, {way.name: error.message for way in wanted if not way.alone}
    return wanted, {}
