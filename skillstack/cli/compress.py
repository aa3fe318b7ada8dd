"""``skillstack compress``: fewer or smaller adapters, planned and printed, or carried out under a guard."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from skillstack.cli import console
from skillstack.cli.command import Invocation, again, command
from skillstack.cli.console import shorten, table, wrapped
from skillstack.cli.inputs import say_own_tables
from skillstack.cli.options import guarding, names_in, where
from skillstack.errors import StoreError, UsageError, did_you_mean
from skillstack.wording import between, listed, many, points, size

if TYPE_CHECKING:
    from skillstack.compression.candidate import Candidate
    from skillstack.compression.results import Comparison, Compressed, Guarded, Plan
    from skillstack.stack import Stack

_UNITS = {"%": 0.01, "": 1.0, "b": 1.0, "kb": 1e3, "mb": 1e6, "gb": 1e9, "kib": 2**10, "mib": 2**20}


def target_bytes(_: click.Context, __: click.Parameter, value: str | None) -> float | None:
    """Bytes, or below 1 a share.

    :raises UsageError: if it is neither.
    """
    if value is None:
        return None
    found = re.fullmatch(r"(\d{1,15}(?:\.\d{1,6})?) ?(%|[kmg]?b|[km]ib|)", value.strip(), re.I | re.ASCII)
    number = float(found[1]) * _UNITS[found[2].lower()] if found else 0.0
    share = found is not None and found[2] == "%"
    if found is None or (not 0 < number < 1 if share else number < 1):
        raise UsageError(f"Invalid number of bytes {value[:40]!r}.", "Give 250kB, 1.5MB, 250000 or 25%.")
    return number


@command(
    "skillstack compress --family sentiment",
    "skillstack compress --family sentiment --margin 5 --apply",
    "skillstack compress --family sentiment --candidates all",
    "skillstack compress --family topic --without wiki_topics",
    "skillstack compress --family sentiment --method rank --margin 2",
    'skillstack compress --family sentiment --candidate "rank 2" --apply',
    "skillstack compress --target-bytes 25%",
    "skillstack compress --family sentiment --json > plan.json",
)
@click.option("--family", metavar="NAME", help="Family whose frames are merged or shrunk.")
@click.option("--without", metavar="NAMES", help="Frames of the family to leave alone, separated by commas.")
@click.option(
    "--target-bytes", metavar="BYTES", callback=target_bytes,
    help="Maximum size of all the stack's adapters together: 250kB, 1.5MB, 25%.",
)  # fmt: skip
@click.option(
    "--method", default="auto", show_default=True, metavar="NAMES",
    help="Strategies, separated by commas: anchor, merge, rank, joint; auto tries all of them.",
)  # fmt: skip
@click.option(
    "--candidates", type=click.Choice(["few", "all"]), default="few", show_default=True,
    help="How many candidates are compared where no method is named.",
)  # fmt: skip
@click.option(
    "--candidate", metavar="NAME", help="Choose this candidate, not the smallest one that should pass."
)
@click.option("--apply", is_flag=True, help="Test the candidate on guard rows, and apply it if it passes.")
@guarding
def compress(
    call: Invocation,
    family: str | None,
    without: str | None,
    candidate: str | None,
    apply: bool,
    guards: dict[str, Any],
    **how: Any,
) -> int:
    """Merge the adapters of a family or shrink them, or show what that would do.

    Candidates are compared on dev rows; a plan changes nothing. With --apply the chosen candidate is tested
    once on guard rows, which nothing else reads: if a task may lose the margin, nothing changes (status 1).
    With --target-bytes all families are merged or shrunk, least loss first, until the stack is small enough.
    `skillstack undo` brings the old stack back.
    """
    opened, count, left_alone = call.open(**where(guards)), 0, names_in(without or "")
    check_request(opened, family, left_alone, how)
    check_tables(opened, guards["tables"])
    say_own_tables(opened, guards["tables"], "--rows")
    changed = "The stack has changed; `skillstack undo` takes it back."
    with told_if_changed(opened, changed), console.remembered_interrupts() as check_interrupt:

        def tell(name: str) -> None:
            nonlocal count
            check_interrupt()
            count += 1
            console.note("Testing on guard rows ..." if name == "guard" else f"candidate {count}  {name}")

        found = opened.compress(
            family,
            without=left_alone,
            candidate=candidate,
            apply=apply,
            on_candidate=tell,
            **how,
            **guards,
        )
    call.answer(found.to_json, lambda: compressed_words(found, candidate, again, why_unchangeable(opened)))
    return 1 if apply and not found.applied else 0


def check_request(stack: Stack, family: str | None, without: Sequence[str], how: Mapping[str, Any]) -> None:
    """See that what is asked exists, before anything large is loaded.

    :raises UsageError: if there is no such family, frame or strategy, or it is unclear what to compress.
    """
    from skillstack.compression.candidate import family_of
    from skillstack.compression.request import CompressionRequest

    target, method = how["target_bytes"], how["method"]
    CompressionRequest(family, method, target, without=tuple(without), candidates=how["candidates"])
    if family is not None:
        family_of(stack.frames()[::-1], family, without)


def check_tables(stack: Stack, tables: Mapping[str, Path]) -> None:
    """See that tables of rows are there and belong to skills of the stack.

    :raises UsageError: if the stack has no such skill.
    :raises InputError: if a table is not there.
    """
    from skillstack.data.lines import explained

    known = {name for frame in stack for skill in frame.skills for name in (skill.name, skill.task)}
    for name, path in tables.items():
        if name not in known:
            raise UsageError(f"The stack {stack.name!r} has no {name[:80]!r}.", did_you_mean(name, known))
        with explained(path):
            path.stat()


def why_unchangeable(stack: Stack) -> str | None:
    """Why the stack cannot be changed, and what to do about that; None where it can."""
    try:
        stack.check_changeable()
    except StoreError as error:
        return f"{error.message} {error.hint}"
    return None


@contextlib.contextmanager
def told_if_changed(stack: Stack, changed: str) -> Iterator[None]:
    """At Ctrl-C, report whether the stack has changed.

    :param changed: what is printed if it has.
    """
    before = stack.store.tip(stack.name)
    try:
        yield
    except KeyboardInterrupt:
        same = stack.store.tip(stack.name) == before
        raise console.Interrupted("Nothing has changed." if same else changed) from None


# output -------------------------------------------------------------------------------------------------


def compressed_words(
    found: Compressed, picked: str | None, repeat: Callable[..., str], refused: str | None
) -> list[str]:
    """Everything, from the present state to what to type next.

    :param picked: name of the candidate that was asked for; None for the plan's choice.
    :param repeat: gives this command again, with flags and options added.
    :param refused: why the stack cannot be changed; None where it can.
    """
    plan = found.plan
    lines = [*_stack(plan), "", *_candidates(plan)]
    candidate = plan.candidate(picked) if picked is not None else _shown(plan)
    named = f"{candidate.name} (heads: {candidate.heads})" if plan.family is not None else "All together"
    lines += [
        "",
        *wrapped(f"{named}, on dev rows:"),
        *_tasks(candidate.measured),
        *_whole(candidate.measured),
    ]
    if found.guarded is not None:
        lines += ["", "The same on guard rows, which no training and no choice reads:"]
        lines += _guard(found.guarded, plan.level)
    for name, why in plan.skipped.items():
        lines += wrapped(f"Not measured: {name}. {why}")
    return [*lines, "", *wrapped(_outcome(found, candidate, repeat, refused))]


def _shown(plan: Plan) -> Candidate:
    """The candidate that is chosen, or else the one that comes nearest."""
    if plan.chosen is not None:
        return plan.candidate(plan.chosen)
    return max(
        plan.candidates, key=lambda one: (one.verdict != "loses too much", one.measured.mean_difference)
    )


def _stack(plan: Plan) -> list[str]:
    said = f"{plan.stack}: {size(plan.bytes)} of adapters"
    frames = many(len(plan.frames), "frame")
    if plan.family is None:
        said += f" in {frames}" + (f", at most {size(plan.target)} wanted" if plan.target is not None else "")
    else:
        said += f", {size(plan.family_bytes)} in {frames} of the family {plan.family}"
    lines = wrapped(f"{said}: {listed(list(plan.frames))}.")
    if plan.idle:
        lines += wrapped(f"Left alone, without an adapter: {listed(list(plan.idle))}.")
    if plan.without:
        lines += wrapped(f"Left alone: {listed(list(plan.without))}.")
    for way, why in plan.left_out.items():
        lines += wrapped(f"Not tried: {way}. {why}")
    return lines


def _candidates(plan: Plan) -> list[str]:
    if plan.family is None:
        return _parts(plan)
    found: list[tuple[int, list[str]]] = []
    for one in plan.candidates:
        cells = [
            one.name,
            shorten(one.heads, 12) if not one.heads.startswith("that of ") else "given",
            f"{100 * plan.bytes_with(one) / plan.bytes:.0f} %",
            points(one.measured.mean_difference, sign=True),
            points(min(change.difference for change in one.measured.skills), sign=True),
            f"{100 * one.chance:.0f} %",
        ]
        found.append((plan.bytes_with(one), cells))
    for left in plan.screened:
        bytes_left, mean = plan.bytes_with(left), points(left.screened_difference, sign=True)
        share = f"{100 * bytes_left / plan.bytes:.0f} %"
        found.append((bytes_left, [left.name, "", share, f"({mean})", "", ""]))
    heads = ["CANDIDATE", "HEADS", "BYTES", "MEAN", "WORST", "PASSES"]
    rows = [cells for _, cells in sorted(found, key=lambda one: one[0])]
    said = (
        "Bytes: share of the whole stack's adapters. Mean, worst: change in points on dev rows. Passes: "
        "chance that the guard lets all tasks pass."
    )
    if plan.screened:
        rows_screened = many(plan.screened[0].screened_rows, "short row")
        said += f" In brackets: measured on {rows_screened} only, then dropped."
    return [*table(heads, rows, left=(0, 1)), *wrapped(said)]


def _parts(plan: Plan) -> list[str]:
    """What becomes of each family of a stack, candidate by candidate."""
    lines = []
    for one in plan.candidates:
        share, change = (
            f"{100 * plan.bytes_with(one) / plan.bytes:.1f} %",
            points(one.measured.mean_difference, sign=True),
        )
        chance = f"a chance of {100 * one.chance:.0f} % to pass"
        lines += wrapped(f"{share} of the bytes, {change} points on dev rows, {chance}:")
        lines += table([], [[family, what] for family, what in one.settings.items()], left=(0, 1), indent=4)
    return lines


def before_after(one: Any) -> list[str]:
    """What every table of changes begins with: skill, rows, accuracy before and after."""
    shares = [points(count.accuracy) if count.n else "-" for count in (one.before, one.after)]
    return [one.skill, f"{one.before.n:,}", *shares]


def _tasks(found: Comparison) -> list[str]:
    rows = [
        [*before_after(one), points(one.difference, sign=True), between(one.interval, sign=True)]
        for one in found.skills
    ]
    return table(["TASK", "ROWS", "BEFORE", "AFTER", "CHANGE", "95 % INTERVAL"], rows)


def _guard(guarded: Guarded, level: float) -> list[str]:
    rows = [
        [
            *before_after(one),
            f"{one.test.lost:,}",
            f"{one.test.gained:,}",
            points(one.test.most) if one.test.n else "-",
            "< 0.001" if one.test.p < 0.001 else f"{one.test.p:.2g}",
        ]
        for one in guarded.guard.skills
    ]
    lines = table(["TASK", "ROWS", "BEFORE", "AFTER", "LOST", "GAINED", "AT MOST", "P"], rows)
    said = f"At most: upper bound of the loss in points, at a level of {100 * level:g} %."
    lines += [*wrapped(said), *_whole(guarded.guard)]
    if guarded.before:
        lines += wrapped(
            f"Tested on these rows before: {many(guarded.before, 'other candidate')}. Each test makes it "
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
    return wrapped(said)


def _outcome(found: Compressed, candidate: Candidate, repeat: Callable[..., str], refused: str | None) -> str:
    from skillstack.compression.results import HOPELESS

    plan = found.plan
    if found.applied and found.guarded is not None:
        now = "one frame now" if candidate.merges else "smaller now"
        what = f"The family's frames are {now}, and the" if plan.family is not None else "The"
        return (
            f"Done: {found.guarded.why}. {what} stack has {size(plan.bytes_with(candidate))} of adapters. "
            "`skillstack undo` brings the old stack back; `skillstack gc` frees the space later."
        )
    if found.guarded is not None:
        return f"Nothing has changed: {found.guarded.why}."
    said = f"{candidate.name if plan.family is not None else 'All together'}: {candidate.why}."
    if candidate.verdict == "should pass":
        then = refused or f"`{repeat('--apply')}` tests it and applies it."
        return f"Nothing has changed. {said} It should pass. {then}"
    said = f"{'No candidate should' if plan.chosen is None else 'This one should not'} pass. {said}"
    if plan.blocking:  # what to leave out, so that the others may become one
        left = ",".join((*plan.without, *plan.blocking))
        said += f" Without {listed(list(plan.blocking))} the others may pass: `--without {left}`."
    if plan.wider is not None:
        said += f" With `--margin {100 * plan.wider:g}` one should pass."
    if refused is None and plan.family is not None and candidate.chance >= HOPELESS:
        said += f" `{repeat('--apply', candidate=candidate.name)}` tests it on guard rows all the same."
    return f"Nothing has changed. {said}"
