"""A stack that grows by a task at a time: its frames, its bytes and its accuracy, merged and plain."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from skillstack.reports.plots.drawing import INK, MUTED, OWN, Plot, canvas, label, legend_above
from skillstack.reports.streams import Step, Stream
from skillstack.wording import many

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_DASHES: tuple[str | tuple[int, tuple[float, ...]], ...] = ("-", (0, (4, 1.5)), (0, (1.2, 1.2)))
_MARKS = "osD^vPX*"
#: Width of the lines with the task given, and of the routed ones.
_THICK, _THIN = 1.5, 0.7


def streams_plot(streams: Sequence[Stream]) -> Plot:
    """Frames, bytes of adapters and accuracy over the number of tasks learned."""
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
        axes.set_axisbelow(True)
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
        linestyle=_DASHES[place % len(_DASHES)],
        marker=_MARKS[place % len(_MARKS)],
        markersize=1.6 if thin else 3.2,
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
            linestyle=_DASHES[place % len(_DASHES)],
            marker=_MARKS[place % len(_MARKS)],
            markersize=3.2,
            label=label(one.title, 36),
        )
