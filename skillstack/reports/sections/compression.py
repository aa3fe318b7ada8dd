"""What compression makes of stacks, where it was measured."""

from __future__ import annotations

from collections.abc import Sequence

from skillstack.reports.compressions import Compression, Outcome
from skillstack.reports.material import Material
from skillstack.reports.plots.streams import streams_plot
from skillstack.reports.section import Section
from skillstack.reports.sections.compression_tables import boundary, outcomes, task_changes, what_of
from skillstack.reports.sections.stream_tables import stream_ends, stream_steps
from skillstack.reports.streams import Gap, Stream
from skillstack.reports.table import Table
from skillstack.reports.tested import Change
from skillstack.reports.words import between, points
from skillstack.wording import listed, many


def compression_section(material: Material) -> Section | None:
    """Outcomes, boundaries, and streams of tasks that were merged as they came."""
    found = material.compression
    if found is None:
        return None
    words = [_compressed(one) for one in found.seeds]
    if found.seeds:
        words.append(_told(found.seeds))
    if found.streams:
        words.append(" ".join(map(_streamed, found.streams)))
    shown = _filled(stream_ends(found.streams), outcomes(found.seeds), boundary(found.seeds))
    return Section(
        "compression",
        "Fewer bytes",
        tuple(words),
        (streams_plot(found.streams),) if found.streams else (),
        (*shown, *_filled(task_changes(found.seeds), stream_steps(found.streams))),
        shown=len(shown),
        source=found.source,
    )


def _filled(*tables: Table) -> tuple[Table, ...]:
    return tuple(table for table in tables if table.rows)


def _compressed(one: Compression) -> str:
    said = [_outcome(one, outcome) for outcome in one.outcomes]
    return " ".join([f"Seed {one.seed} of {one.preset}.", *said])


def _outcome(one: Compression, outcome: Outcome) -> str:
    what = f"The {what_of(one, outcome)}"
    guard = "passed" if outcome.verdict == "passes" else f"said: {outcome.verdict}, {outcome.why}"
    if outcome.test is None:
        if outcome.verdict is None:
            return f"{what} stayed as it was: nothing was likely to pass the guard."
        return f"{what} stayed as it was: of {outcome.candidate}, the guard {guard}."
    test, worst = outcome.test, outcome.test.worst
    return (
        f"{what}, by {outcome.candidate}, came to {points(outcome.share or 0.0)} % of the stack's bytes and "
        f"from {many(outcome.frames_before, 'frame')} to {outcome.frames_after}; the guard {guard}. On test "
        f"rows accuracy with the task given changes by {_signed(test.given)}; the worst task is "
        f"{worst.task}, {_signed(worst.given)}."
    )


def _told(seeds: Sequence[Compression]) -> str:
    """Which rows, on which base, and whether it could be undone."""
    bases = listed(list(dict.fromkeys(one.base for one in seeds)))
    lost = [one.title for one in seeds if not one.undone]
    words = [f"Measured on {bases}, always from the stack as it was trained, on rows that no guard saw."]
    if lost:
        words.append(f"Undo did not bring the same ids back: {listed(lost)}.")
    elif any(outcome.test for one in seeds for outcome in one.outcomes):
        words.append("Undo brought the same ids back each time.")
    return " ".join(words)


def _streamed(one: Stream) -> str:
    merged, plain = one.merged[-1], one.plain[-1]
    share = "" if one.share is None else f" and {points(one.share)} % of the bytes"
    return (
        f"Merged as its tasks came, order {one.order} of {one.preset} ends after "
        f"{many(len(one.merged), 'task')} with {many(merged.frames, 'frame')} instead of {plain.frames}"
        f"{share}; accuracy differs by {_signed(one.given)} with the task given and by "
        f"{_signed(one.routed)} routed."
    )


def _signed(one: Change | Gap) -> str:
    return f"{points(one.difference, sign=True)} points ({between(one.interval, sign=True)})"
