"""The stack itself: its frames, what they cost, and what could not be measured of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from skillstack.evaluation.result import TITLES
from skillstack.reports.drawing import BOX, HEAT, INK, LATEST, MUTED, Plot, canvas, label
from skillstack.reports.material import FrameFacts, Material
from skillstack.reports.page import Section
from skillstack.reports.table import (
    ReportTable,
    TableCell,
    count,
    name_column,
    number_column,
    seconds_cell,
    size_cell,
    text,
)
from skillstack.wording import listed, many, size

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: A longer table of what is missing is folded in.
MOST_ROWS = 12
#: Where boxes, bars of bytes and arcs stand; a row is 1 high, and the picture 100 wide.
_LEFT, _RIGHT, _BAR, _BAR_END = 8.0, 66.0, 70.0, 84.0
_ARROW = {
    "arrowstyle": "-|>,head_width=0.13,head_length=0.3",
    "linewidth": 0.9,
    "shrinkA": 0,
    "shrinkB": 1.5,
}


def stack_section(material: Material) -> Section:
    """The stack as a picture, and its frames with their ids."""
    named = all(frame.skills == (frame.name,) for frame in material.frames)
    columns = (
        name_column("frame"),
        name_column("family"),
        *([] if named else [name_column("skills")]),
        number_column("labels", "labels"),
        name_column("parent"),
        name_column("started from", "init_from"),
        number_column("adapter", "adapter_bytes"),
        name_column("id"),
    )
    rows = tuple(
        (
            text(frame.name),
            text(", ".join(frame.families)),
            *([] if named else [text(", ".join(frame.skills))]),
            count(frame.labels),
            text(frame.parent),
            TableCell((frame.init_from,), "fresh" if frame.init_from is None else frame.init_from[:24]),
            TableCell((frame.adapter_bytes,), _adapter(frame)),
            TableCell((frame.id,), frame.id[:12]),
        )
        for frame in reversed(material.frames)
    )
    return Section(
        "stack",
        "The stack",
        plots=(_stack_plot(material.frames),),
        tables=(ReportTable("frames", "Frames, the newest first", columns, rows),),
    )


def cost_section(material: Material) -> Section:
    """Bytes and training seconds by frame, and what the evaluation needed."""
    frames = material.frames
    columns = (
        name_column("frame"),
        number_column("adapter", "adapter_bytes"),
        number_column("heads", "head_bytes"),
        number_column("training", "seconds"),
        number_column("seed", "seed"),
    )
    rows = [
        (
            text(frame.name),
            size_cell(frame.adapter_bytes),
            size_cell(frame.head_bytes),
            seconds_cell(frame.seconds),
            count(frame.seed),
        )
        for frame in frames
    ]
    heads = [frame.head_bytes for frame in frames if frame.head_bytes is not None]
    seconds = [frame.seconds for frame in frames if frame.seconds is not None]
    rows.append(
        (
            text("all frames"),
            size_cell(sum(frame.adapter_bytes for frame in frames)),
            size_cell(sum(heads) if len(heads) == len(frames) else None),
            seconds_cell(sum(seconds) if len(seconds) == len(frames) else None),
            TableCell((None,), ""),
        )
    )
    e = material.evaluation
    per_text = e.effort.answers / max(sum(task.n for task in e.tasks), 1)
    words = (
        f"The evaluation needs {many(e.effort.answers, 'answer')}, {per_text:.1f} a text"
        + (", most of them for every frame on every task." if e.matrix is not None else ".")
        + " Answers are kept beside the store, so no text is answered twice."
    )
    note = "Training is the wall time on the machine that trained the frame."
    table = ReportTable("cost", "Cost by frame", columns, tuple(rows), note)
    return Section("cost", "Cost", (words,), tables=(table,))


def gaps_section(material: Material) -> Section:
    """Skipped tasks and why, ways to answer that a task lacks, labels with fewer rows than asked, other rows.

    Reasons hold no path of the machine; `skillstack.evaluation` sees to that.
    """
    e = material.evaluation
    words: list[str] = []
    fewer = _fewer(material)
    if fewer.rows:
        labels = many(len(fewer.rows), "label")
        if e.per_class is None:
            words.append(
                f"There are no test rows of {labels}, so nothing here says how well they are recognised."
            )
        else:
            words.append(f"There are fewer test rows of {labels} than the {e.per_class} that were asked for.")
    known = {task.skill for task in e.tasks} | set(e.skipped)
    left = [skill for frame in material.frames for skill in frame.skills if skill not in known]
    if left:
        words.append(f"Not part of this evaluation: {', '.join(left)}.")
    words += [f"{task.skill}: {task.left_out.words(task.n)}" for task in e.tasks if task.left_out is not None]
    others = [task.skill for task in e.tasks if task.other_rows]
    if others:
        words.append(f"The rows differ from those that the skill was taught: {', '.join(others)}.")
    tables = tuple(table for table in (_skipped(material), _unmeasured(material), fewer) if table.rows)
    if not tables and not words:
        asked = "all test rows" if e.per_class is None else f"{e.per_class} test rows of each label"
        words.append(f"Nothing: every task of the stack was evaluated, with {asked}.")
    shown = sum(len(table.rows) <= MOST_ROWS for table in tables)
    return Section("gaps", "What is missing", tuple(words), tables=tables, shown=shown, measured=False)


def _skipped(material: Material) -> ReportTable:
    columns = (name_column("task"), name_column("why"))
    rows = tuple((text(task), text(why)) for task, why in material.evaluation.skipped.items())
    return ReportTable("skipped", "Tasks that were not evaluated", columns, rows)


def _unmeasured(material: Material) -> ReportTable:
    columns = (name_column("task"), name_column("answered by", "mode"), name_column("why"))
    rows = tuple(
        (text(task.skill), TableCell((mode,), TITLES[mode]), text(why))
        for task in material.evaluation.tasks
        for mode, why in task.unmeasured.items()
    )
    return ReportTable("unmeasured", "Ways to answer that could not be measured", columns, rows)


def _fewer(material: Material) -> ReportTable:
    e = material.evaluation
    columns = (
        name_column("task"),
        name_column("label"),
        number_column("test rows", "rows"),
        number_column("asked for", "asked"),
    )
    asked = TableCell((None,), "all") if e.per_class is None else count(e.per_class)
    rows = tuple(
        (text(task.skill), text(label), count(rows), asked)
        for task in e.tasks
        for label, rows in task.fewer.items()
    )
    return ReportTable("fewer", "Labels with fewer test rows than were asked for", columns, rows)


def _adapter(frame: FrameFacts) -> str:
    return size(frame.adapter_bytes) if frame.adapter_bytes else "head alone"


def _stack_plot(frames: Sequence[FrameFacts]) -> Plot:
    """The frames, the newest at the top, who follows whom, and who started from whom."""
    fresh = sum(frame.init_from is None for frame in frames)
    return Plot(
        "stack",
        "The stack, with the newest frame at the top. Arrows on the left lead to a frame's parent; arcs on "
        "the right lead to the frame whose adapter its training started from. Bars show adapters on disk.",
        f"{many(len(frames), 'frame')} in a chain, the newest first: "
        f"{listed([label(frame.name) for frame in reversed(frames)])}. {fresh} of them started fresh.",
        lambda: _draw_stack(list(reversed(frames))),
    )


def _draw_stack(frames: Sequence[FrameFacts]) -> Figure:
    figure = canvas(0.35 + 0.46 * len(frames))
    axes = figure.add_subplot()
    axes.set_xlim(0, 100)
    axes.set_ylim(len(frames) - 0.45, -0.65)
    axes.axis("off")
    most = max((frame.adapter_bytes for frame in frames), default=0)
    places = {frame.name: row for row, frame in enumerate(frames)}
    for row, frame in enumerate(frames):
        _box(axes, row, frame, most)
        if frame.parent is not None:
            axes.annotate(
                "", xy=(4.5, row + 0.9), xytext=(4.5, row + 0.1), arrowprops=_ARROW | {"color": MUTED}
            )
        axes.plot([4.5], [row], marker="o", markersize=5, color=HEAT)
        if frame.init_from in places:
            _arc(axes, row, places[frame.init_from])
        else:
            start = "fresh" if frame.init_from is None else f"from {frame.init_from[:8]}"
            axes.text(_BAR_END + 2.5, row, start, va="center", fontsize=6.8, color=LATEST)
    return figure


def _box(axes: Axes, row: int, frame: FrameFacts, most: int) -> None:
    from matplotlib.patches import FancyBboxPatch, Rectangle

    axes.add_patch(
        FancyBboxPatch(
            (_LEFT, row - 0.38), _RIGHT - _LEFT, 0.76, boxstyle="round,pad=0,rounding_size=0.12",
            mutation_aspect=0.1, facecolor=BOX, edgecolor=MUTED, linewidth=0.6,
        )
    )  # fmt: skip
    axes.text(_LEFT + 1.5, row - 0.15, label(frame.name, 34), va="center", fontsize=8, fontweight="bold")
    skills = "" if frame.skills == (frame.name,) else f"{', '.join(frame.skills)} · "
    below = f"{', '.join(frame.families)} · {skills}{many(frame.labels, 'label')}"
    axes.text(_LEFT + 1.5, row + 0.18, label(below, 56), va="center", fontsize=6.8, color=MUTED)
    axes.text(_RIGHT - 1.5, row - 0.15, frame.id[:8], ha="right", va="center", fontsize=6.8, color=MUTED)
    if frame.adapter_bytes:
        width = (_BAR_END - _BAR) * frame.adapter_bytes / most
        axes.add_patch(
            Rectangle((_BAR, row + 0.05), width, 0.2, facecolor=HEAT, edgecolor="none", alpha=0.75)
        )
    axes.text(_BAR, row - 0.14, _adapter(frame), va="center", fontsize=6.8, color=INK)


def _arc(axes: Axes, newer: int, older: int) -> None:
    # Arcs of neighbours are flat, and those that reach far go round them.
    far, side = abs(older - newer) - 1, 1 if older > newer else -1
    bend = -min(0.18 + 0.25 * far, 0.9) if far else -0.35
    axes.annotate(
        "",
        xy=(_BAR_END + 2.5, older - 0.12 * side),
        xytext=(_BAR_END + 2.5, newer + 0.12 * side),
        arrowprops=_ARROW | {"color": LATEST, "connectionstyle": f"arc3,rad={bend * side}"},
    )
