"""What a compression would do, or did, in words."""

from __future__ import annotations

import shlex
import textwrap
from typing import TYPE_CHECKING

from skillstack.cli.render import width
from skillstack.cli.words import columns, shorten
from skillstack.compression.results import HOPELESS
from skillstack.wording import between, listed, many, points, size

if TYPE_CHECKING:
    from skillstack.compression.candidate import Candidate
    from skillstack.compression.results import Comparison, Compressed, Guarded, Plan

#: Widest name of a candidate or a task that a table shows whole.
NAME = 35
TASK = 28


def compressed_words(found: Compressed, picked: str | None, command: str, refused: str | None) -> list[str]:
    """Everything, from what there is to what to type next.

    :param picked: name of the candidate that was asked for; None for the plan's choice.
    :param command: that carries the plan out.
    :param refused: why the stack cannot be changed; None where it can.
    """
    plan = found.plan
    lines = [*_stack(plan), "", *_table(plan)]
    candidate = plan.candidate(picked) if picked is not None else shown(plan)
    named = f"{candidate.name} (heads: {candidate.heads})" if plan.family is not None else "All together"
    lines += ["", *_wrapped(f"{named}, on dev rows:")]
    lines += [*_tasks(candidate.measured), *_whole(candidate.measured)]
    if found.guarded is not None:
        lines += [
            "",
            "The same on guard rows, which no training and no choice reads:",
            *_guard(found.guarded, plan.level),
        ]
    for name, why in plan.skipped.items():
        lines += _wrapped(f"Not asked: {name}. {why}")
    return [*lines, "", *_wrapped(_outcome(found, candidate, command, refused))]


def shown(plan: Plan) -> Candidate:
    """The candidate that is chosen, or else the one that comes nearest."""
    if plan.chosen is not None:
        return plan.candidate(plan.chosen)
    return max(
        plan.candidates, key=lambda one: (one.verdict != "loses too much", one.measured.mean_difference)
    )


def _stack(plan: Plan) -> list[str]:
    if plan.family is None:
        most = f", at most {size(plan.target)} wanted" if plan.target is not None else ""
        said = f"{plan.stack}: {size(plan.bytes)} of adapters in {many(len(plan.frames), 'frame')}{most}: "
    else:
        frames = f"{many(len(plan.frames), 'frame')} of the family {plan.family}"
        said = f"{plan.stack}: {size(plan.bytes)} of adapters, {size(plan.family_bytes)} in {frames}: "
    lines = _wrapped(f"{said}{listed(list(plan.frames))}.")
    if plan.idle:
        lines += _wrapped(f"Without an adapter, and left as it is: {listed(list(plan.idle))}.")
    if plan.without:
        lines += _wrapped(f"Left as it is: {listed(list(plan.without))}.")
    for way, why in plan.left_out.items():
        lines += _wrapped(f"Not tried: {way}. {why}")
    return lines


def _table(plan: Plan) -> list[str]:
    if plan.family is None:
        return _parts(plan)
    found: list[tuple[int, list[str]]] = []
    for one in plan.candidates:
        worst = min(change.difference for change in one.measured.skills)
        cells = [
            shorten(one.name, NAME),
            shorten(one.heads, 12) if not one.heads.startswith("that of ") else "given",
            f"{100 * plan.bytes_with(one) / plan.bytes:.0f} %",
            points(one.measured.mean_difference, sign=True),
            points(worst, sign=True),
            f"{100 * one.chance:.0f} %",
        ]
        found.append((plan.bytes_with(one), cells))
    for left in plan.screened:
        share, mean = (
            f"{100 * plan.bytes_with(left) / plan.bytes:.0f} %",
            points(left.screened_difference, sign=True),
        )
        found.append((plan.bytes_with(left), [shorten(left.name, NAME), "", share, f"({mean})", "", ""]))
    rows = [["CANDIDATE", "HEADS", "BYTES", "MEAN", "WORST", "PASSES"]]
    rows += [cells for _, cells in sorted(found, key=lambda one: one[0])]
    lines = [f"  {line}" for line in columns(rows, right=(2, 3, 4, 5))]
    said = (
        "Bytes of the whole stack's adapters; changes in points, on dev rows; the chance that the guard lets "
        "all tasks pass."
    )
    if plan.screened:
        short = many(plan.screened[0].screened_rows, "short row")
        said += f" In brackets: of {short} only, and not tried further."
    return [*lines, *_wrapped(said)]


def _parts(plan: Plan) -> list[str]:
    """What becomes of each family of a stack, candidate by candidate."""
    lines = []
    for one in plan.candidates:
        share = f"{100 * plan.bytes_with(one) / plan.bytes:.1f} %"
        change = points(one.measured.mean_difference, sign=True)
        chance = f"a chance of {100 * one.chance:.0f} % to pass"
        lines += _wrapped(f"{share} of the bytes, {change} points on dev rows, {chance}:")
        rows = [[family, what] for family, what in one.settings.items()]
        lines += [f"    {line}" for line in columns(rows)]
    return lines


def _tasks(found: Comparison) -> list[str]:
    rows = [["TASK", "ROWS", "BEFORE", "AFTER", "CHANGE", "95 % INTERVAL"]]
    for one in found.skills:
        rows.append(
            [
                shorten(one.skill, TASK),
                f"{one.test.n:,}",
                points(one.before.accuracy),
                points(one.after.accuracy),
                points(one.difference, sign=True),
                between(one.interval, sign=True),
            ]
        )
    return [f"  {line}" for line in columns(rows, right=(1, 2, 3, 4, 5))]


def _guard(guarded: Guarded, level: float) -> list[str]:
    rows = [["TASK", "ROWS", "BEFORE", "AFTER", "LOST", "GAINED", "AT MOST", "P"]]
    for one in guarded.guard.skills:
        test = one.test
        rows.append(
            [
                shorten(one.skill, TASK),
                f"{test.n:,}",
                points(one.before.accuracy),
                points(one.after.accuracy),
                f"{test.lost:,}",
                f"{test.gained:,}",
                points(test.most) if test.n else "-",
                "< 0.001" if test.p < 0.001 else f"{test.p:.2g}",
            ]
        )
    lines = [f"  {line}" for line in columns(rows, right=(1, 2, 3, 4, 5, 6, 7))]
    said = f"At most: the points it may have lost; with a chance of {100 * level:g} % it is more."
    lines += [*_wrapped(said), *_whole(guarded.guard)]
    if guarded.before:
        lines += _wrapped(
            f"These rows were read for {many(guarded.before, 'other candidate')} before. With each it is "
            "likelier that one passes by chance."
        )
    return lines


def _whole(found: Comparison) -> list[str]:
    before, after = found.before, found.after
    said = (
        f"The whole stack: routed {points(before.routed)} before, {points(after.routed)} after; "
        f"regret {points(before.regret)} before, {points(after.regret)} after."
    )
    others = found.others
    if others.n:
        said += (
            f" Of other families' {many(others.n, 'text')}, {others.lost:,} become wrong and "
            f"{others.gained:,} right."
        )
    return _wrapped(said)


def _outcome(found: Compressed, candidate: Candidate, command: str, refused: str | None) -> str:
    if found.applied and found.guarded is not None:
        now = "one frame now" if candidate.merges else "smaller now"
        what = f"The family's frames are {now}, and the" if found.plan.family is not None else "The"
        return (
            f"Done: {found.guarded.why}. {what} stack has "
            f"{size(found.plan.bytes_with(candidate))} of adapters. "
            "`skillstack undo` brings the old stack back; `skillstack gc` frees the space later."
        )
    if found.guarded is not None:
        return f"Nothing was changed: {found.guarded.why}."
    said = f"{candidate.name if found.plan.family is not None else 'All together'}: {candidate.why}."
    if candidate.verdict != "should pass":
        unlikely = "No candidate should pass" if found.plan.chosen is None else "This one should not pass"
        hints = _blocking(found.plan) + _wider(found.plan)
        hints += "" if refused else _all_the_same(found.plan, candidate, command)
        return f"Nothing was changed. {unlikely}. {said}{hints}"
    if refused is not None:
        return f"Nothing was changed. {said} It should pass. {refused}"
    return f"Nothing was changed. {said} It should pass; `{command}` tests it and carries it out."


def _blocking(plan: Plan) -> str:
    """What to leave out, so that the others may become one."""
    if not plan.blocking:
        return ""
    left = ",".join((*plan.without, *plan.blocking))
    return f" Without {listed(list(plan.blocking))} the others may pass: `--without {left}`."


def _wider(plan: Plan) -> str:
    """At which margin something should pass."""
    return "" if plan.wider is None else f" With `--margin {100 * plan.wider:g}` one should pass."


def _all_the_same(plan: Plan, candidate: Candidate, command: str) -> str:
    """How the guard is asked about what is less than likely to pass."""
    if plan.family is None or candidate.chance < HOPELESS:
        return ""
    if "--candidate" not in command:
        command = command.replace(" --apply", f" --candidate {shlex.quote(candidate.name)} --apply")
    return f" `{command}` asks the guard all the same."


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, width(), subsequent_indent="  ", break_on_hyphens=False)
