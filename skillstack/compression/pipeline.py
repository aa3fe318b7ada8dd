"""Compressing a family or a stack: propose, screen, evaluate, choose; then guard and apply."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from skillstack.compression.apply import apply as apply_candidate
from skillstack.compression.candidate import Candidate, FamilyFrames, Replacement, families_of, family_of
from skillstack.compression.choose import (
    Loss,
    blocking,
    chances,
    cheapest,
    least_rows,
    smallest_first,
    wider_margin,
)
from skillstack.compression.evaluate import Tell, evaluate, promising, screen, with_expectation
from skillstack.compression.guard import guard
from skillstack.compression.request import CompressionRequest
from skillstack.compression.results import Compressed, Plan
from skillstack.compression.strategies import Strategy, strategies
from skillstack.compression.workspace import Snapshot, Workspace
from skillstack.errors import InputError, SkillStackError, UsageError
from skillstack.wording import listed, many, size

#: Candidates of a family that are evaluated, at most.
FULL = 3
#: How far behind the best on short rows a candidate may be and still be evaluated, as a share.
BEHIND = 0.02
#: How often the choice for a whole stack is made, each time with the results of evaluating the last one.
ROUNDS = 3
#: Lower bound of a chance, so that one hopeless skill does not hide all others.
LEAST_CHANCE = 1e-6
#: Families, each with candidates that were screened.
Options = list[tuple[FamilyFrames, list[Candidate]]]


def compress(
    snapshot: Snapshot,
    request: CompressionRequest,
    *,
    apply: bool = False,
    transaction: str | None = None,
    tell: Tell = lambda name: None,
) -> Compressed:
    """Plan a compression, and with ``apply`` carry it out if the guard lets it pass.

    :param transaction: that the change belongs to; by default one of its own.
    :param tell: called with the name of each candidate before it is compared, and with ``guard`` before that.
    :raises SkillStackError: one of its kinds, if that cannot be done; nothing has changed then.
    """
    workspace = workspace_for(snapshot, request)
    plan = make_plan(workspace, request, tell)
    wanted = request.candidate or plan.chosen
    # A wrong name is an error whether the candidate is to be applied or not.
    chosen = None if wanted is None else plan.candidate(wanted)
    if chosen is None:
        return Compressed(plan)

    def go() -> Compressed:
        return guard_and_apply(workspace, plan, chosen, request, transaction, tell)

    return go() if apply else Compressed(plan, _go=go)


def guard_and_apply(
    workspace: Workspace,
    plan: Plan,
    candidate: Candidate,
    request: CompressionRequest,
    transaction: str | None = None,
    tell: Tell = lambda name: None,
) -> Compressed:
    """Test a plan's candidate on guard rows, and apply it if it passes.

    :raises SkillStackError: one of its kinds, if that cannot be done; nothing has changed then.
    """
    tell("guard")
    guarded = guard(workspace, candidate)
    if not guarded.passes:
        return Compressed(plan, guarded)
    note = f"{request.note}: {candidate.name}"
    return Compressed(
        plan, guarded, apply_candidate(workspace, candidate, note=note, transaction=transaction)
    )


def workspace_for(snapshot: Snapshot, request: CompressionRequest) -> Workspace:
    """Load what a compression needs, once it is certain that there is something to compress.

    :raises UsageError: if there is no such family or strategy, or nothing to do for it.
    :raises InputError: if there is nothing to choose by.
    :raises SkillStackError: one of its kinds, if rows of an affected skill, or the base, cannot be had.
    """
    families = _families(snapshot, request)
    affected = {skill.name for family in families for _, skill in family.skills}
    if not affected:
        raise UsageError(
            f"The frames of the stack {snapshot.name!r} have no adapters.", "Their heads are a few kilobytes."
        )
    for family in families:
        for frame, skill in family.skills:
            if skill.state is not None:
                raise UsageError(
                    f"The skill {skill.name!r} answers with n-grams, which no merged adapter takes over.",
                    f"Leave its frame out with --without {frame.name}, or learn it again with --method lora.",
                )
    workspace = Workspace(snapshot, request.guard, affected)
    for one in workspace.rows:
        if one.skill.name in affected and not len(one.dev):
            raise InputError(
                f"The {many(len(one.fit), 'row')} of {one.skill.name!r} leave none to choose by.",
                f"Give two or more of each label with --rows {one.skill.name}=FILE.",
            )
    return workspace


def make_plan(workspace: Workspace, request: CompressionRequest, tell: Tell) -> Plan:
    """Plan a compression; nothing changes.

    :raises UsageError: if there is nothing to make smaller, or the stack cannot be made to fit.
    :raises MismatchError: if an adapter does not fit the base.
    """
    return (_plan_stack if request.family is None else _plan_family)(workspace, request, tell)


def _families(snapshot: Snapshot, request: CompressionRequest) -> tuple[FamilyFrames, ...]:
    """The families that are to become smaller."""
    usable = strategies(request.method)
    if request.family is None:
        return families_of(snapshot.frames)
    family = family_of(snapshot.frames, request.family, request.without)
    if not _usable(usable, family):
        said = (
            f"Of the family {family.name!r} one frame is left"
            if family.without
            else f"The family {family.name!r} has one frame"
        )
        raise UsageError(f"{said}, so there is nothing to merge.", "--method rank makes its adapter smaller.")
    return (family,)


def _usable(named: Sequence[Strategy], family: FamilyFrames) -> tuple[Strategy, ...]:
    return tuple(one for one in named if one.alone or len(family.frames) > 1)


# --- one family --------------------------------------------------------------------------------------------


def _plan_family(workspace: Workspace, request: CompressionRequest, tell: Tell) -> Plan:
    snapshot, guard_rows = workspace.snapshot, workspace.guard_rows
    (family,) = _families(snapshot, request)
    for frame in family.frames:
        if workspace.adapters[frame.name].is_zero:
            raise UsageError(
                f"The adapter of the frame {frame.name!r} is zero: it changes nothing.",
                "Train the frame again, or take it off the stack with `skillstack ablate`.",
            )
    usable = _usable(strategies(request.method), family)
    slow = tuple(one for one in usable if one.slow and len(usable) > 1)
    screened = list(_screened(workspace, family, [one for one in usable if one not in slow], request, tell))
    evaluated = _evaluated(workspace, screened, request, tell)
    left_out: dict[str, str] = {}
    if slow and (_is_named(slow, request) or _needs_training(workspace, family, evaluated)):
        more, left_out = _slowly_screened(workspace, family, slow, request, tell)
        evaluated += _evaluated(workspace, more, request, tell)
        screened += more
    if screened and not evaluated:  # all can hardly pass; the best of them is there to speak of
        evaluated = [evaluate(workspace, max(screened, key=lambda one: one.screened_difference), tell)]
    if not evaluated:
        raise UsageError(
            f"There is nothing to make smaller in the family {family.name!r}.",
            "Its adapters have rank 1 already.",
        )
    names = {one.name for one in evaluated}
    return Plan(
        stack=snapshot.name,
        tip=snapshot.frames[-1].id,
        family=family.name,
        frames=tuple(frame.name for frame in family.frames),
        idle=family.idle,
        without=family.without,
        margin=request.guard.margin,
        level=request.guard.level,
        bytes=snapshot.bytes,
        family_bytes=family.bytes,
        candidates=smallest_first(evaluated),
        blocking=blocking(family, evaluated, guard_rows),
        guard_rows=guard_rows,
        skipped=workspace.skipped,
        left_out=left_out,
        screened=smallest_first([one for one in screened if one.name not in names]),
        wider=wider_margin(evaluated, guard_rows),
    )


def _screened(
    workspace: Workspace,
    family: FamilyFrames,
    used: Sequence[Strategy],
    request: CompressionRequest,
    tell: Tell,
) -> Iterator[Candidate]:
    """Propose and screen candidates for a family, without those that save nothing."""
    for strategy in used:
        found = []
        for candidate in strategy.propose(workspace, family, request, tell):
            if candidate.saved > 0:
                found.append(screen(workspace, candidate, tell))
        if strategy.refine is not None and found:
            for candidate in list(strategy.refine(workspace, family, found, request)):
                if candidate.saved > 0:
                    found.append(screen(workspace, candidate, tell))
        yield from found


def _slowly_screened(
    workspace: Workspace,
    family: FamilyFrames,
    slow: Sequence[Strategy],
    request: CompressionRequest,
    tell: Tell,
) -> tuple[list[Candidate], dict[str, str]]:
    """Propose and screen candidates of slow strategies, and note by strategy why it failed."""
    found, left_out = [], {}
    for strategy in slow:
        try:
            found += list(_screened(workspace, family, [strategy], request, tell))
        except SkillStackError as error:
            left_out[strategy.name] = error.message
    return found, left_out


def _evaluated(
    workspace: Workspace, screened: Sequence[Candidate], request: CompressionRequest, tell: Tell
) -> list[Candidate]:
    """Evaluate the smallest promising candidates and the best until one should pass, and the named one.

    Candidates that can hardly pass are given up on the way.
    """
    if not screened:
        return []
    best = max(screened, key=lambda one: one.screened_difference)
    order = smallest_first(screened)
    hopeful = [one for one in order if one.screened_difference >= best.screened_difference - BEHIND]
    found: list[Candidate] = []
    for one in dict.fromkeys([*hopeful[: FULL - 1], best]):
        if promising(workspace, one, tell):
            found.append(evaluate(workspace, one, tell))
            if found[-1].verdict == "should pass":
                break
    named = [one for one in order if one.name == request.candidate]
    return found + [
        evaluate(workspace, one, tell) for one in named if one.name not in {o.name for o in found}
    ]


def _is_named(slow: Sequence[Strategy], request: CompressionRequest) -> bool:
    return request.candidate is not None and any(request.candidate.startswith(one.name) for one in slow)


def _needs_training(workspace: Workspace, family: FamilyFrames, evaluated: Sequence[Candidate]) -> bool:
    """Whether nothing should pass so far, and the guard rows are enough for something to pass."""
    config, rows = workspace.config, workspace.guard_rows
    enough = all(rows[skill.name] >= least_rows(config.margin, config.level) for _, skill in family.skills)
    return enough and not any(one.verdict == "should pass" for one in evaluated)


# --- a whole stack -----------------------------------------------------------------------------------------


def _plan_stack(workspace: Workspace, request: CompressionRequest, tell: Tell) -> Plan:
    """Plan the merges and cuts with the least loss by which the stack fits.

    What short rows say of the candidates is enough to begin with; those that are then chosen are evaluated,
    and the choice is made again with what that shows.
    """
    snapshot, target = workspace.snapshot, request.target or 0.0
    most = math.floor(target * snapshot.bytes if target < 1 else target)
    if snapshot.bytes <= most:
        raise UsageError(
            f"The stack's adapters have {size(snapshot.bytes)}, which is no more than {size(most)}.",
            "Ask for less, or for a share such as 25%.",
        )
    named = strategies(request.method)
    left_out: dict[str, str] = {}
    options: Options = []
    for family in families_of(snapshot.frames):
        zero = [frame.name for frame in family.frames if workspace.adapters[frame.name].is_zero]
        if zero:
            left_out[family.name] = f"The adapter of {listed(zero)} is zero: it changes nothing."
        usable = [one for one in _usable(named, family) if not one.slow or len(named) == 1]
        screened = [] if zero else list(_screened(workspace, family, usable, request, tell))
        options.append((family, screened))
    least = sum(min([family.bytes, *(one.bytes for one in screened)]) for family, screened in options)
    if least > most:
        raise UsageError(
            f"The stack's adapters cannot be made smaller than {size(least)}; {size(most)} are asked for.",
            "Ask for more, or take frames off the stack: `skillstack ablate` says what each is worth.",
        )
    known: dict[tuple[str, str], Candidate] = {}
    found = _rounds(workspace, options, most, known, tell)
    slow = [one for one in named if one.slow and len(named) > 1]
    if slow and not any(one.verdict == "should pass" for one in found):
        for family, screened in options:
            if screened and len(family.frames) > 1:
                more, failed = _slowly_screened(workspace, family, slow, request, tell)
                screened += more
                left_out |= {f"{name} for {family.name}": why for name, why in failed.items()}
        found += _rounds(workspace, options, most, known, tell)
    found = list({one.name: one for one in found}.values())
    adapted = [frame for frame in snapshot.frames if frame.content.adapter is not None]
    return Plan(
        stack=snapshot.name,
        tip=snapshot.frames[-1].id,
        family=None,
        frames=tuple(frame.name for frame in adapted),
        idle=tuple(frame.name for frame in snapshot.frames if frame not in adapted),
        margin=request.guard.margin,
        level=request.guard.level,
        bytes=snapshot.bytes,
        family_bytes=snapshot.bytes,
        candidates=smallest_first(found),
        guard_rows=workspace.guard_rows,
        skipped=workspace.skipped,
        left_out=left_out,
        target=most,
        wider=wider_margin(found, workspace.guard_rows),
    )


def _rounds(
    workspace: Workspace,
    options: Options,
    most: int,
    known: dict[tuple[str, str], Candidate],
    tell: Tell,
) -> list[Candidate]:
    """Choose a candidate per family, evaluate them, and choose again, until the choice should pass.

    :param known: candidates of one family that were evaluated, by the names of both.
    """
    found: list[Candidate] = []
    for _ in range(ROUNDS):
        losses = [
            [
                (family.bytes, Loss(0.0, 0.0)),
                *((one.bytes, _loss(workspace, known.get((family.name, one.name), one))) for one in screened),
            ]
            for family, screened in options
        ]
        numbers = cheapest(losses, most)
        if numbers is None:
            break
        parts: list[Replacement] = []
        for (family, screened), number in zip(options, numbers, strict=True):
            if number:
                key = family.name, screened[number - 1].name
                if key not in known:
                    known[key] = evaluate(workspace, screened[number - 1], tell)
                parts += known[key].parts
        whole = Candidate(tuple(parts), whole=True)
        if whole.name in {one.name for one in found}:
            break
        found.append(with_expectation(workspace, whole))
        if found[-1].verdict == "should pass":
            break
    return found


def _loss(workspace: Workspace, candidate: Candidate) -> Loss:
    """The loss of a candidate of one family, by all dev rows if it was evaluated, else by the short ones."""
    tests = dict(candidate.screened)
    if candidate.dev is not None:
        tests = {change.skill: change.test for change in candidate.dev.skills}
    each = chances(list(tests.values()), [workspace.guard_rows[name] for name in tests])
    doubt = -sum(math.log(max(chance, LEAST_CHANCE)) for chance in each)
    return Loss(doubt, sum(test.loss for test in tests.values()))
