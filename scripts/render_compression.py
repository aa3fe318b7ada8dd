"""Write what was measured of compression as a page like that of `skillstack report`.

    python scripts/render_compression.py [results] [--output compression-report]

The folder is searched at any depth for what `measure_compression.py` and `measure_auto_compress.py` wrote.
The page comes with Markdown, JSON, tables (CSV) and plots (SVG, PDF); an older one in its folder makes room.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from compression_results import (
    Compression,
    Compressions,
    Gap,
    Outcome,
    Step,
    Stream,
    Tested,
    read_compressions,
)

from skillstack.errors import SkillStackError
from skillstack.reports.drawing import INK, MUTED, OWN, Plot, canvas, label, legend_above, line_style
from skillstack.reports.folder import PAGE, write_folder
from skillstack.reports.page import Page, Section, page_files
from skillstack.reports.provenance import command_line, versions
from skillstack.reports.report import FORMAT
from skillstack.reports.table import (
    Column,
    ReportTable,
    TableCell,
    between,
    count,
    missing,
    name_column,
    number_column,
    points,
    share,
    size_cell,
    text,
)
from skillstack.wording import listed, many, size

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROOT = Path(__file__).resolve().parents[1]
_TRAINED = Column("trained with", ("preset", "seed"), numeric=False)
_LEARNED = Column("learned", ("preset", "order", "seed"), numeric=False)
_CHANGE = number_column("accuracy, points", "change", interval=True)
_ROUTED = number_column("routed, points", "routed_change", interval=True)
#: Width of a plot's lines with the task given, and of the routed ones.
_THICK, _THIN = 1.5, 0.7
#: Figures of the prototype by preset, in percent, and on mixed unseen texts whatever the preset.
_PROTOTYPE = {
    "hard8": (
        ("its own frame, accuracy", "86.4–90.5"),
        ("routed, accuracy", "84.4–89.1"),
        ("router, to its task", "82.6–85.5"),
        ("router, fallback", "21"),
        ("router, depth in frames", "3.5"),
        ("latest adapter, forgetting in points", "23.6–35.2"),
        ("frames, forgetting in points", "about 0"),
        ("EWC, accuracy", "57.9"),
        ("joint multi-head, accuracy", "77.8"),
    ),
    "hard12": (
        ("its own frame, accuracy", "80.3–84.2"),
        ("routed, accuracy", "79.3–82.7"),
        ("router, to its task", "88.7–89.8"),
        ("router, fallback", "16.5"),
        ("router, depth in frames", "5.4"),
        ("joint multi-head, accuracy", "76.2"),
    ),
}
_UNSEEN = (
    ("generalization, routed", "91.5"),
    ("generalization, latest adapter", "53.7"),
    ("generalization, best single frame", "88.2"),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("results", type=Path, nargs="?", default=ROOT / "results")
    parser.add_argument("--output", type=Path, default=Path("compression-report"))
    options = parser.parse_args()
    try:
        write_folder(options.output, compression_files(read_compressions(options.results)))
    except SkillStackError as error:
        print(f"{error.message} {error.hint}", file=sys.stderr)
        return error.exit_status
    print(options.output / PAGE)
    return 0


def compression_files(found: Compressions) -> dict[str, bytes]:
    """The files of the page; the same measurements give the same bytes."""
    page = compression_page(found)
    document = {"format": FORMAT, "compression": found.to_json(), "provenance": dict(page.provenance)}
    return page_files(page, {"schema": 1, "report": document})


def compression_page(found: Compressions) -> Page:
    """Outcomes, boundaries, streams, and the prototype's figures on the same presets."""
    presets = dict.fromkeys(one.preset for one in (*found.seeds, *found.streams))
    facts = (
        *([many(len(found.seeds), "seed")] if found.seeds else []),
        *([many(len(found.streams), "stream")] if found.streams else []),
        ", ".join(presets),
    )
    made_with = ", ".join(f"{name} {version}" for name, version in versions().items())
    return Page(
        kind="Measurements of compression",
        title="Compression",
        facts=facts,
        sections=(
            compression_section(found),
            *[prototype_section(preset) for preset in presets if preset in _PROTOTYPE],
        ),
        provenance=(
            ("page made by", command_line("python", "scripts/render_compression.py", options={})),
            ("with", made_with),
        ),
        promise="The same measurements and versions give this very page, byte for byte.",
    )


def compression_section(found: Compressions) -> Section:
    """What compression did, and what became of stacks whose frames were merged as they came."""
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


def prototype_section(preset: str) -> Section:
    """The prototype's figures: of another base and another sample, for orientation."""
    columns = (name_column("figure"), name_column("prototype"))
    rows = tuple((text(name), text(value)) for name, value in _PROTOTYPE[preset] + _UNSEEN)
    words = (
        f"What the prototype reached on {preset}: Llama-3.2-1B and -3B, 48 training texts of each label, 64 "
        "test texts of each label. It is another base and another sample, so these figures are for "
        "orientation; no stack passes or fails by them."
    )
    title = f"The prototype on {preset}, in % where nothing else is said"
    table = ReportTable(f"prototype_{preset}", title, columns, rows)
    heading = f"The prototype's figures on {preset}"
    return Section(f"prototype_{preset}", heading, (words,), tables=(table,), measured=False)


def _filled(*tables: ReportTable) -> tuple[ReportTable, ...]:
    return tuple(table for table in tables if table.rows)


def _compressed(one: Compression) -> str:
    return " ".join([f"Seed {one.seed} of {one.preset}.", *[_outcome(one, out) for out in one.outcomes]])


def _outcome(one: Compression, outcome: Outcome) -> str:
    what = f"The {_what(one, outcome)}"
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


def _what(one: Compression, outcome: Outcome) -> str:
    return f"family {one.family}" if outcome.what == "family" else "whole stack"


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
    of_bytes = "" if one.share is None else f" and {points(one.share)} % of the bytes"
    return (
        f"Merged as its tasks came, order {one.order} of {one.preset} ends after "
        f"{many(len(one.merged), 'task')} with {many(merged.frames, 'frame')} instead of {plain.frames}"
        f"{of_bytes}; accuracy differs by {_signed(one.given)} with the task given and by "
        f"{_signed(one.routed)} routed."
    )


def _signed(one: Gap) -> str:
    return f"{points(one.difference, sign=True)} points ({between(one.interval, sign=True)})"


def outcomes(seeds: Sequence[Compression]) -> ReportTable:
    """One row for each compression."""
    worst = Column("worst task, points", ("worst", "worst_low", "worst_high", "worst_task"))
    columns = (
        _TRAINED,
        name_column("what"),
        name_column("by", "candidate"),
        Column("frames", ("frames_before", "frames_after"), numeric=False),
        Column("of the bytes, %", ("share", "bytes_before", "bytes_after")),
        _CHANGE,
        _ROUTED,
        worst,
        Column("guard", ("verdict", "why"), numeric=False),
    )
    rows = tuple(
        (
            _trained(one),
            text(_what(one, outcome)),
            text(outcome.candidate),
            _frames(outcome),
            _bytes(outcome),
            *(
                [missing(_CHANGE), missing(_ROUTED), missing(worst)]
                if outcome.test is None
                else [_gap(outcome.test.given), _gap(outcome.test.routed), _worst(outcome.test)]
            ),
            TableCell((outcome.verdict, outcome.why), outcome.verdict or "not asked", outcome.why),
        )
        for one in seeds
        for outcome in one.outcomes
    )
    note = (
        "Bytes of the stack's adapters. Changes on test rows that the guard did not see, mean over tasks, "
        "the first with the task given. Small: 95 % paired bootstrap interval. Each starts from the stack "
        "as it was trained."
    )
    return ReportTable("compression", "What was compressed", columns, rows, note)


def task_changes(seeds: Sequence[Compression]) -> ReportTable:
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
            text(_what(one, outcome)),
            text(task.task),
            count(task.n),
            share(task.given.before),
            share(task.given.after),
            _gap(task.given),
            _gap(task.routed),
        )
        for one in seeds
        for outcome in one.outcomes
        if outcome.test is not None
        for task in outcome.test.tasks
    )
    note = "Before, after and the first change are with the task given."
    return ReportTable("compression_tasks", "What was compressed, task by task", columns, rows, note)


def boundary(seeds: Sequence[Compression]) -> ReportTable:
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
    return ReportTable("boundary", "Without each frame of the compressed stack in turn", columns, rows, note)


def stream_ends(streams: Sequence[Stream]) -> ReportTable:
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
            _end_bytes(one),
            _gap(one.given),
            _gap(one.routed),
        )
        for one in streams
    )
    note = (
        "At the end of the stream, merged minus plain, mean over tasks on test rows, the first with the task "
        "given. Small: 95 % paired bootstrap interval, and bytes of adapters."
    )
    return ReportTable("streams", "Merged as the tasks came", columns, rows, note)


def stream_steps(streams: Sequence[Stream]) -> ReportTable:
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
    return ReportTable("stream_steps", "Merged as the tasks came, task by task", columns, rows)


def _trained(one: Compression) -> TableCell:
    return TableCell((one.preset, one.seed), one.title)


def _learned(one: Stream) -> TableCell:
    return TableCell((one.preset, one.order, one.seed), one.title)


def _frames(outcome: Outcome) -> TableCell:
    before, after = outcome.frames_before, outcome.frames_after
    return TableCell((before, after), f"{before:,}" if after is None else f"{before:,} to {after:,}")


def _bytes(outcome: Outcome) -> TableCell:
    shown, before, after = share(outcome.share), outcome.bytes_before, outcome.bytes_after
    below = size(before) if after is None else f"{size(before)} to {size(after)}"
    return TableCell((*shown.values, before, after), shown.text, below)


def _end_bytes(one: Stream) -> TableCell:
    shown, merged, plain = share(one.share), one.merged[-1].bytes, one.plain[-1].bytes
    return TableCell((*shown.values, merged, plain), shown.text, f"{size(merged)} of {size(plain)}")


def _gap(one: Gap) -> TableCell:
    return share(one.difference, one.interval, sign=True)


def _worst(test: Tested) -> TableCell:
    shown = _gap(test.worst.given)
    return TableCell((*shown.values, test.worst.task), shown.text, f"{test.worst.task}, {shown.below}")


def _step(one: Step) -> tuple[TableCell, ...]:
    return count(one.frames), size_cell(one.bytes), share(one.given), share(one.routed)


def streams_plot(streams: Sequence[Stream]) -> Plot:
    """Frames, bytes of adapters and accuracy over the number of tasks learned, merged and plain."""
    ends = "; ".join(
        f"{label(one.title, 36)}: {many(one.merged[-1].frames, 'frame')} instead of {one.plain[-1].frames}"
        for one in streams
    )
    return Plot(
        "streams",
        "One task learned after another, with frames of a family merged as they come and without. Accuracy "
        "is on test rows of all tasks so far; thick with the task given, thin routed.",
        "Lines over the number of tasks learned, in three panels: frames, bytes of adapters, accuracy. "
        f"At the end {ends}. The table below has the figures.",
        lambda: _draw(streams),
    )


def _draw(streams: Sequence[Stream]) -> Figure:
    from matplotlib.ticker import MaxNLocator

    figure = canvas(4.9)
    frames, sizes, accuracy = figure.subplots(3, 1, sharex=True, height_ratios=(1, 1, 1.35))
    most = max(step.bytes for one in streams for step in (*one.merged, *one.plain))
    scale, unit = (1e6, "MB") if most >= 1e6 else (1e3, "kB")
    for place, one in enumerate(streams):
        # What is merged lies above: where nothing was merged yet, both are the same.
        for steps, colour in ((one.plain, MUTED), (one.merged, OWN)):
            _line(frames, steps, lambda step: step.frames, place, colour)
            _line(sizes, steps, lambda step: step.bytes / scale, place, colour)
            _line(accuracy, steps, lambda step: 100 * step.given, place, colour)
            _line(accuracy, steps, _routed, place, colour, thin=True)
    for axes, title in ((frames, "frames"), (sizes, f"adapters, {unit}"), (accuracy, "accuracy, %")):
        axes.set_title(title, loc="left")
        axes.yaxis.set_major_locator(MaxNLocator(5))
        axes.grid()
    for axes in (frames, sizes):
        axes.set_ylim(bottom=0)
    accuracy.set_xlabel("tasks learned")
    accuracy.xaxis.set_major_locator(MaxNLocator(integer=True))
    _explain(frames, streams)
    legend_above(figure, frames, 2)
    return figure


def _line(
    axes: Axes,
    steps: Sequence[Step],
    value: Callable[[Step], float | None],
    place: int,
    colour: str,
    thin: bool = False,
) -> None:
    found = [(number, seen) for number, step in enumerate(steps, 1) if (seen := value(step)) is not None]
    axes.plot(
        [number for number, _ in found],
        [seen for _, seen in found],
        color=colour,
        linewidth=_THIN if thin else _THICK,
        **line_style(place) | ({"markersize": 1.6} if thin else {}),
    )


def _routed(step: Step) -> float | None:
    return None if step.routed is None else 100 * step.routed


def _explain(axes: Axes, streams: Sequence[Stream]) -> None:
    """Lines without points, for the legend."""
    axes.plot([], [], color=OWN, linewidth=_THICK, label="merged as they come")
    axes.plot([], [], color=MUTED, linewidth=_THICK, label="plain")
    for place, one in enumerate(streams if len(streams) > 1 else ()):
        axes.plot(
            [],
            [],
            color=INK,
            label=label(one.title, 36),
            **line_style(place),
        )


if __name__ == "__main__":
    raise SystemExit(main())
