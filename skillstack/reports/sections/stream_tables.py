"""Tables of streams of tasks that were merged as they came."""

from __future__ import annotations

from collections.abc import Sequence

from skillstack.reports.streams import Gap, Step, Stream
from skillstack.reports.table import Cell, Column, Table, count, name_column, number_column, share, text
from skillstack.wording import size

_LEARNED = Column("learned", ("preset", "order", "seed"), numeric=False)


def stream_ends(streams: Sequence[Stream]) -> Table:
    """Each stream at its end."""
    columns = (
        _LEARNED,
        number_column("tasks", "tasks"),
        number_column("frames merged", "frames_merged"),
        number_column("frames plain", "frames_plain"),
        Column("of the bytes, %", ("share", "bytes_merged", "bytes_plain")),
        number_column("accuracy, points", "difference", interval=True),
        number_column("routed, points", "routed_difference", interval=True),
    )
    rows = tuple(
        (
            _learned(one),
            count(len(one.merged)),
            count(one.merged[-1].frames),
            count(one.plain[-1].frames),
            _bytes(one),
            _gap(one.given),
            _gap(one.routed),
        )
        for one in streams
    )
    note = (
        "At the end of the stream, merged minus plain, mean over tasks on test rows, the first with the task "
        "given. Small: 95 % paired bootstrap interval, and bytes of adapters."
    )
    return Table("streams", "Merged as the tasks came", columns, rows, note)


def stream_steps(streams: Sequence[Stream]) -> Table:
    """Each stream after each task, as the plot draws it."""
    columns = (
        _LEARNED,
        number_column("tasks", "tasks"),
        name_column("newest", "task"),
        *[
            column
            for way in ("merged", "plain")
            for column in (
                number_column(f"frames {way}", f"frames_{way}"),
                number_column(f"adapters {way}", f"bytes_{way}"),
                number_column(f"accuracy {way}, %", f"accuracy_{way}"),
                number_column(f"routed {way}, %", f"routed_{way}"),
            )
        ],
    )
    rows = tuple(
        (_learned(one), count(number), text(merged.task), *_step(merged), *_step(plain))
        for one in streams
        for number, (merged, plain) in enumerate(zip(one.merged, one.plain, strict=True), 1)
    )
    return Table("stream_steps", "Merged as the tasks came, task by task", columns, rows)


def _learned(one: Stream) -> Cell:
    return Cell((one.preset, one.order, one.seed), one.title)


def _bytes(one: Stream) -> Cell:
    shown, merged, plain = share(one.share), one.merged[-1].bytes, one.plain[-1].bytes
    return Cell((*shown.values, merged, plain), shown.text, f"{size(merged)} of {size(plain)}")


def _gap(one: Gap) -> Cell:
    return share(one.difference, one.interval, sign=True)


def _step(one: Step) -> tuple[Cell, ...]:
    return (
        count(one.frames),
        Cell((one.bytes,), size(one.bytes)),
        share(one.given),
        share(one.routed),
    )
