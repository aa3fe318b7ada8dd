"""The plan for a whole stack: families merged and adapters cut, least loss first, until it fits.

What short rows say of the options is enough to begin with; those that are then chosen are tried in full,
and the choice is made again with what that shows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from skillstack.compression.candidates.proposal import Proposal
from skillstack.compression.candidates.registry import ways
from skillstack.compression.examining import Examiner
from skillstack.compression.families import Family, families_of
from skillstack.compression.family_plan import check_rows, that_fit
from skillstack.compression.forecast import chances
from skillstack.compression.fronts import Loss, cheapest, smallest
from skillstack.compression.planned import Planned, choice, in_order
from skillstack.compression.planning import Planner
from skillstack.compression.present import Present, Subject, stack_rows
from skillstack.compression.result import Candidate, Plan
from skillstack.compression.tried import Replacement, Tried
from skillstack.compression.verdicts import expected
from skillstack.compression.wish import Wish
from skillstack.errors import UsageError
from skillstack.wording import listed, size

#: How often the choice is made again.
ROUNDS = 3
#: Chance that nothing is taken to be below, so that one hopeless skill does not hide all others.
LEAST = 1e-6


@dataclass
class _Options:
    """What can become of one family; the first of all is that it stays."""

    family: Family
    bytes: int
    planner: Planner | None

    @property
    def proposals(self) -> list[Proposal]:
        return [] if self.planner is None else [look.proposal for look in self.planner.looks]

    def losses(self, guard_rows: dict[str, int]) -> list[tuple[int, Loss]]:
        found = [(self.bytes, Loss(0.0, 0.0))]
        if self.planner is None:
            return found
        full = {one.candidate.name: one for one in self.planner.tried}
        for look in self.planner.looks:
            tried = full.get(look.proposal.name)
            tests = dict(look.tests)
            if tried is not None:
                tests = {change.skill: change.test for change in tried.candidate.dev.skills}
            each = chances(list(tests.values()), [guard_rows[name] for name in tests])
            doubt = -sum(math.log(max(chance, LEAST)) for chance in each)
            loss = Loss(doubt, sum(test.loss for test in tests.values()))
            found.append((look.proposal.bytes, loss))
        return found


def plan_stack(subject: Subject, target: float, wish: Wish, tell: Callable[[str], None]) -> Planned:
    """Choose what becomes of each family.

    :param target: bytes that the adapters may have: a number, or below 1 a share of today's.
    :raises UsageError: if the stack fits already, or cannot be made to fit.
    :raises SkillStackError: one of its kinds, if rows of an affected skill cannot be had.
    """
    terms, families = wish.terms, families_of(subject.frames)
    affected = {skill.name for family in families for _, skill in family.skills}
    if not affected:
        raise UsageError(
            f"The frames of the stack {subject.name!r} have no adapters.", "Their heads are a few kilobytes."
        )
    rows, skipped = stack_rows(subject, affected, terms)
    check_rows(rows, affected)
    present = Present(subject, rows)
    examiner = Examiner(present, terms)
    most = math.floor(target * examiner.bytes if target < 1 else target)
    if examiner.bytes <= most:
        raise UsageError(
            f"The stack's adapters have {size(examiner.bytes)}, which is no more than {size(most)}.",
            "Ask for less, or for a share such as 25%.",
        )
    wanted, left_out = that_fit(present, ways(wish.method))
    guard_rows = {one.skill.name: len(one.guard) for one in rows}
    options, zeros = [], {}
    for family in families:
        fitting = tuple(way for way in wanted if way.alone or len(family.frames) > 1)
        zero = [frame.name for frame in family.frames if present.adapters[frame.name].is_zero]
        if zero:
            zeros[family.name] = f"The adapter of {listed(zero)} is zero: it changes nothing."
        planner = None if zero or not fitting else Planner(examiner, family, fitting, tell)
        if planner is not None:
            planner.look()
        options.append(_Options(family, examiner.bytes_of(family), planner))
    _check_reachable(options, guard_rows, most)
    tried = _rounds(examiner, options, most, guard_rows)
    if not any(one.candidate.verdict == "should pass" for one in tried):
        for one in options:
            if one.planner is not None:
                one.planner.look_last()
        tried += _rounds(examiner, options, most, guard_rows)
    tried = list({one.candidate.name: one for one in tried}.values())
    ordered = in_order(tried)
    failed = {
        f"{way} for {one.family.name}": why
        for one in options
        if one.planner is not None
        for way, why in one.planner.left_out.items()
    }
    adapted = [frame for frame in subject.frames if frame.content.adapter is not None]
    plan = Plan(
        stack=subject.name,
        tip=subject.frames[-1].id,
        family=None,
        frames=tuple(frame.name for frame in adapted),
        idle=tuple(frame.name for frame in subject.frames if frame not in adapted),
        margin=terms.margin,
        level=terms.level,
        bytes=examiner.bytes,
        family_bytes=examiner.bytes,
        candidates=tuple(one.candidate for one in ordered),
        chosen=choice(ordered),
        guard_rows=guard_rows,
        skipped=skipped,
        left_out={**left_out, **zeros, **failed},
        target=most,
    )
    return Planned(plan, ordered, examiner)


def _rounds(
    examiner: Examiner, options: Sequence[_Options], most: int, guard_rows: dict[str, int]
) -> list[Tried]:
    """What is chosen, and chosen again with what trying it showed, until it should pass or stays the same."""
    tried: list[Tried] = []
    for _ in range(ROUNDS):
        numbers = cheapest([one.losses(guard_rows) for one in options], most)
        if numbers is None:
            break
        found = _together(examiner, options, numbers, guard_rows)
        if found.candidate.name in {one.candidate.name for one in tried}:
            break
        tried.append(found)
        if found.candidate.verdict == "should pass":
            break
    return tried


def _check_reachable(options: Sequence[_Options], guard_rows: dict[str, int], most: int) -> None:
    least = smallest([one.losses(guard_rows) for one in options])
    if least > most:
        raise UsageError(
            f"The stack's adapters cannot be made smaller than {size(least)}; {size(most)} are asked for.",
            "Ask for more, or take frames off the stack: `skillstack ablate` says what each is worth.",
        )


def _together(
    examiner: Examiner, options: Sequence[_Options], numbers: Sequence[int], guard_rows: dict[str, int]
) -> Tried:
    """What is chosen of each family, as one candidate."""
    parts: list[Replacement] = []
    said: dict[str, str] = {}
    total, heads = 0, []
    for one, number in zip(options, numbers, strict=True):
        if number == 0 or one.planner is None:
            total += one.bytes
            continue
        proposal = one.proposals[number - 1]
        tried = one.planner.try_one(proposal)
        parts += tried.parts
        said[one.family.name] = proposal.name
        heads.append(tried.candidate.heads)
        total += proposal.bytes
    dev = examiner.judged("dev", parts)
    expectation = expected(dev, guard_rows)
    candidate = Candidate(
        name="; ".join(f"{family}: {name}" for family, name in said.items()),
        way="stack",
        heads=", ".join(dict.fromkeys(heads)),
        merges=any(part.proposal.merges for part in parts),
        bytes=total,
        family_bytes=total,
        dev=dev,
        verdict=expectation.verdict,
        why=expectation.why,
        chance=expectation.chance,
        settings=said,
    )
    return Tried(candidate, tuple(parts))
