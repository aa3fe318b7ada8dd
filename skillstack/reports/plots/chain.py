"""The stack as a picture: frames in the order of the chain, who follows whom, and who started from whom."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from skillstack.reports.facts import FrameFacts
from skillstack.reports.plots.drawing import BOX, HEAT, INK, LATEST, MUTED, Plot, canvas, label
from skillstack.wording import listed, many, size

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Where boxes, bars of bytes and arcs stand; a row is 1 high, and the picture 100 wide.
_LEFT, _RIGHT, _BAR, _BAR_END = 8.0, 66.0, 70.0, 84.0


def chain_plot(stack: str, frames: Sequence[FrameFacts]) -> Plot:
    """The frames, the newest at the top.

    :param frames: the oldest first.
    """
    fresh = sum(frame.init_from is None for frame in frames)
    return Plot(
        "stack",
        "The stack, the newest frame at the top. Arrows at the left lead to the frame before it, its parent, "
        "arcs at the right to the frame from whose adapter a training started. Bars: adapter on disk.",
        f"{many(len(frames), 'frame')} in a chain, the newest first: "
        f"{listed([label(frame.name) for frame in reversed(frames)])}. {fresh} of them started fresh.",
        lambda: _draw(list(reversed(frames))),
    )


def _draw(frames: list[FrameFacts]) -> Figure:
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
            _arrow(axes, (4.5, row + 0.1), (4.5, row + 0.9), MUTED)
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
    words = size(frame.adapter_bytes) if frame.adapter_bytes else "head alone"
    axes.text(_BAR, row - 0.14, words, va="center", fontsize=6.8, color=INK)


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float], colour: str) -> None:
    arrow = {"arrowstyle": "-|>,head_width=0.13,head_length=0.3", "color": colour, "linewidth": 0.9}
    axes.annotate("", xy=end, xytext=start, arrowprops={**arrow, "shrinkA": 0, "shrinkB": 1.5})


def _arc(axes: Axes, newer: int, older: int) -> None:
    # Arcs of neighbours are flat, and those that reach far go round them.
    bend = -min(0.18 + 0.25 * (abs(older - newer) - 1), 0.9) if abs(older - newer) > 1 else -0.35
    side = 1 if older > newer else -1
    axes.annotate(
        "",
        xy=(_BAR_END + 2.5, older - 0.12 * side),
        xytext=(_BAR_END + 2.5, newer + 0.12 * side),
        arrowprops={
            "arrowstyle": "-|>,head_width=0.13,head_length=0.3",
            "color": LATEST,
            "linewidth": 0.9,
            "shrinkA": 0,
            "shrinkB": 1.5,
            "connectionstyle": f"arc3,rad={bend * side}",
        },
    )
