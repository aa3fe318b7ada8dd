"""Tables of what compression did: outcomes, tasks, and what can go besides."""

from __future__ import annotations

from collections.abc import Sequence

from skillstack.reports.compressions import Compression, Outcome
from skillstack.reports.table import (
    Cell,
    Column,
    Table,
    count,
    missing,
    name_column,
    number_column,
    share,
    text,
)
from skillstack.reports.tested import Change, Tested
from skillstack.wording import size

_TRAINED = Column("trained with", ("preset", "seed"), numeric=False)
_CHANGE = number_column("accuracy, points", "change", interval=True)
_ROUTED = number_column("routed, points", "routed_change", interval=True)


def what_of(one: Compression, outcome: Outcome) -> str:
    """What was compressed, in words."""
    return f"family {one.family}" if outcome.what == "family" else "whole stack"


def outcomes(seeds: Sequence[Compression]) -> Table:
    """One row for each compression."""
    frames = Column("frames", ("frames_before", "frames_after"), numeric=False)
    sizes = Column("of the bytes, %", ("share", "bytes_before", "bytes_after"))
    worst = Column("worst task, points", ("worst", "worst_low", "worst_high", "worst_task"))
    columns = (
        _TRAINED,
        name_column("what"),
        name_column("by", "candidate"),
        frames,
        sizes,
        _CHANGE,
        _ROUTED,
        worst,
        Column("guard", ("verdict", "why"), numeric=False),
    )
    rows = tuple(
        (
            _trained(one),
            text(what_of(one, outcome)),
            text(outcome.candidate),
            _frames(outcome),
            _bytes(outcome),
            *(
                [missing(_CHANGE), missing(_ROUTED), missing(worst)]
                if outcome.test is None
                else [_change(outcome.test.given), _change(outcome.test.routed), _worst(outcome.test)]
            ),
            Cell((outcome.verdict, outcome.why), outcome.verdict or "not asked"),
        )
        for one in seeds
        for outcome in one.outcomes
    )
    note = (
        "Bytes of the stack's adapters. Changes on test rows that the guard did not see, mean over tasks, "
        "the first with the task given. Small: 95 % paired bootstrap interval. Each starts from the stack "
        "as it was trained."
    )
    return Table("compression", "What was compressed", columns, rows, note)


def task_changes(seeds: Sequence[Compression]) -> Table:
    """One row for each task of each compression that was carried out."""
    columns = (
        _TRAINED,
        name_column("what"),
        name_column("task"),
        number_column("rows", "n"),
        number_column("before, %", "before"),
        number_column("after, %", "after"),
        _CHANGE,
        _ROUTED,
    )
    rows = tuple(
        (
            _trained(one),
            text(what_of(one, outcome)),
            text(task.task),
            count(task.n),
            share(task.given.before),
            share(task.given.after),
            _change(task.given),
            _change(task.routed),
        )
        for one in seeds
        for outcome in one.outcomes
        if outcome.test is not None
        for task in outcome.test.tasks
    )
    note = "Before, after and the first change are with the task given."
    return Table("compression_tasks", "What was compressed, task by task", columns, rows, note)


def boundary(seeds: Sequence[Compression]) -> Table:
    """One row for each frame that was removed."""
    columns = (
        _TRAINED,
        name_column("removed", "frame"),
        number_column("loss over all tasks, points", "loss", interval=True),
        number_column("own tasks before, %", "before"),
        number_column("own tasks after, %", "after"),
        number_column("redundancy, %", "redundancy"),
    )
    rows = tuple(
        (
            _trained(one),
            text(removal.frame),
            share(removal.loss, removal.interval, sign=True),
            share(removal.before),
            share(removal.after),
            share(removal.redundancy),
        )
        for one in seeds
        for removal in one.boundary
    )
    note = (
        "Routed accuracy on dev rows; below zero, a loss is a gain. Redundancy: which share of the lead of "
        "its own tasks over their most frequent labels the other frames keep."
    )
    return Table("boundary", "Without each frame of the compressed stack in turn", columns, rows, note)


def _trained(one: Compression) -> Cell:
    return Cell((one.preset, one.seed), one.title)


def _frames(outcome: Outcome) -> Cell:
    before, after = outcome.frames_before, outcome.frames_after
    return Cell((before, after), f"{before:,}" if after is None else f"{before:,} to {after:,}")


def _bytes(outcome: Outcome) -> Cell:
    before, after = outcome.bytes_before, outcome.bytes_after
    if after is None:
        return Cell((None, before, None), "–", size(before))
    shown = share(outcome.share)
    return Cell((*shown.values, before, after), shown.text, f"{size(before)} to {size(after)}")


def _change(one: Change) -> Cell:
    return share(one.difference, one.interval, sign=True)


def _worst(test: Tested) -> Cell:
    shown = _change(test.worst.given)
    return Cell((*shown.values, test.worst.task), shown.text, f"{test.worst.task}, {shown.below}")
