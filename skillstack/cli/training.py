"""How far a training is: a moving display in a terminal, a line a frame elsewhere."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from skillstack.cli import render
from skillstack.cli.words import accuracy, many, percent, seconds
from skillstack.training.events import (
    DevMeasured,
    Event,
    FrameDone,
    FrameKept,
    FrameStarted,
    Listener,
    StepDone,
)

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


@contextlib.contextmanager
def training_progress() -> Iterator[Listener]:
    """Show a training on standard error while the block runs; yields who listens to it."""
    if not render.shows_progress():
        yield _lines
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    with Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=16),
        TextColumn("{task.completed:.0f}/{task.total:.0f} {task.fields[words]}"),
        console=Console(stderr=True),
        transient=True,
    ) as progress:
        yield _Display(progress)


def _lines(event: Event) -> None:
    line = event_line(event)
    if line is not None:
        render.note(line)


def event_line(event: Event) -> str | None:
    """A line for a frame's start and end; None for what happens in between."""
    if isinstance(event, FrameStarted):
        resumed = f", going on from step {event.resumed_at}" if event.resumed_at else ""
        return f"{_place(event)}: {many(event.rows, 'row')}, {many(event.steps, 'step')}{resumed}"
    if isinstance(event, FrameDone):
        frozen = percent(event.frozen_linear.accuracy)
        measured = f"dev {accuracy(event.dev)} ({event.chosen}; frozen linear {frozen})"
        return f"{_place(event)}: {measured}, {seconds(event.seconds)}"
    if isinstance(event, FrameKept):
        return f"{_place(event)}: there already"
    return None


def _place(event: FrameStarted | FrameDone | FrameKept) -> str:
    return f"frame {event.index} of {event.total}, {event.name}"


class _Display:
    """Two bars, all frames and the present one, and the finished frames above them."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._frames: TaskID | None = None
        self._steps: TaskID | None = None
        self._taken: list[float] = []
        self._started = 0.0
        self._first_step = 0
        self._dev = ""

    def __call__(self, event: Event) -> None:
        if isinstance(event, FrameStarted):
            self._start(event)
        elif isinstance(event, StepDone):
            self._step(event)
        elif isinstance(event, DevMeasured):
            self._dev = f", dev {percent(event.dev.accuracy)}"
        else:
            self._finish(event)

    def _start(self, event: FrameStarted) -> None:
        self._place(event.index - 1, event.total)
        self._started, self._first_step, self._dev = time.monotonic(), event.resumed_at, ""
        self._steps = self._progress.add_task(
            event.name, total=event.steps, completed=event.resumed_at, words="steps"
        )

    def _step(self, event: StepDone) -> None:
        if self._steps is None:
            return
        elapsed = max(time.monotonic() - self._started, 1e-6)
        rate = (event.step - self._first_step) / elapsed
        left = f", {seconds((event.steps - event.step) / rate)} left" if rate else ""
        words = f"steps, {rate:.1f}/s{left}, loss {event.loss:.3f}{self._dev}"
        self._progress.update(self._steps, completed=event.step, total=event.steps, words=words)

    def _finish(self, event: FrameDone | FrameKept) -> None:
        if self._steps is not None:
            self._progress.remove_task(self._steps)
            self._steps = None
        if isinstance(event, FrameDone):
            self._taken.append(event.seconds)
        self._progress.console.print(event_line(event), markup=False, highlight=False, soft_wrap=True)
        self._place(event.index, event.total)

    def _place(self, done: int, total: int) -> None:
        words = "frames"
        if self._taken and done < total:
            words += f", about {seconds(sum(self._taken) / len(self._taken) * (total - done))} left"
        if self._frames is None:
            self._frames = self._progress.add_task("all", total=total, completed=done, words=words)
        self._progress.update(self._frames, completed=done, words=words)
