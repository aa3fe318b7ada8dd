"""A training that somebody watches: a moving display in a terminal, a line a frame elsewhere, and Ctrl-C."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from skillstack.cli import console
from skillstack.cli.console import accuracy
from skillstack.training.progress import (
    DevMeasured,
    Event,
    FamilySettled,
    FrameDone,
    FrameKept,
    FrameStarted,
    Listener,
    MemoryShort,
    StepDone,
    Waiting,
    nobody,
)
from skillstack.wording import listed, many, percent, seconds

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

GO_ON = "Run the same command again to continue where it stopped."
#: What is printed where the time limit came first.
UNFINISHED = ("The time limit is reached; what was done is kept.", GO_ON)
#: Where nothing moves, a long frame prints every so often how far it is.
SECONDS_BETWEEN_LINES = 30.0


@contextlib.contextmanager
def watched_training(
    also: Listener = nobody, *, silent: bool = False, clock: Callable[[], float] = time.monotonic
) -> Iterator[Listener]:
    """Show a training on standard error while the block runs; yields who listens to it.

    :param also: hears every event as well.
    :param silent: show nothing, as another process speaks.
    :param clock: seconds, for rates and remaining times.
    :raises Interrupted: at Ctrl-C, with how to continue.
    """
    with (
        console.interrupt_hint(GO_ON),
        _display(clock) if not silent else contextlib.nullcontext(nobody) as show,
        console.remembered_interrupts() as check_interrupt,
    ):

        def listen(event: Event) -> None:
            check_interrupt()
            also(event)
            show(event)

        yield listen


@contextlib.contextmanager
def _display(clock: Callable[[], float]) -> Iterator[Listener]:
    if not console.shows_progress():
        yield _Lines(clock)
        return
    from rich.progress import BarColumn, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(bar_width=6), TextColumn("{task.fields[words]}"))
    with console.moving(*columns) as progress:
        yield _Display(progress, clock)


def event_line(event: Event) -> str | None:
    """A line for a frame's start and end, and for what a person should know; None for other events."""
    if isinstance(event, FrameStarted):
        resumed = f", continuing from step {event.resumed_at}" if event.resumed_at else ""
        return f"{_place(event)}: {many(event.rows, 'row')}, {many(event.steps, 'step')}{resumed}"
    if isinstance(event, FrameDone):
        frozen = percent(event.frozen_linear.accuracy)
        measured = f"dev {accuracy(event.dev)} ({event.chosen}; frozen linear {frozen})"
        return f"{_place(event)}: {measured}, {seconds(event.seconds)}"
    if isinstance(event, FrameKept):
        return f"{_place(event)}, is there already"
    if isinstance(event, FamilySettled):
        if event.merged is None:
            return f"{event.family}: {listed(list(event.frames))} stay separate: {event.why}"
        return f"{event.family}: {listed(list(event.frames))} are one frame now, {event.merged}: {event.why}"
    if isinstance(event, MemoryShort):
        return f"{event.name}: out of memory; {many(event.rows, 'row')} at once from now on"
    if isinstance(event, Waiting):
        return f"another training of the stack {event.stack} is under way; this one waits until it has ended"
    return None


def _place(event: FrameStarted | FrameDone | FrameKept) -> str:
    return f"frame {event.index} of {event.total}, {event.name}"


def _step(event: StepDone) -> str:
    return f"step {event.step} of {event.steps}"


class _Pace:
    """Where a training is: its frame, its step, and the time that is left, as far as that can be known."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._taken: list[float] = []
        self._began: tuple[float, int] | None = None
        self._latest = 0
        self._dev = ""
        self.frame: FrameStarted | None = None

    def hear(self, event: Event) -> None:
        """Note an event."""
        if isinstance(event, FrameStarted):
            self.frame, self._began, self._dev = event, None, ""
        elif isinstance(event, DevMeasured):
            self._dev = f", dev {percent(event.dev.accuracy)}"
        elif isinstance(event, StepDone):
            # What comes before the first step takes long and tells nothing of steps; a second training of the
            # same frame begins at its own first step.
            if self._began is None or event.step <= self._latest:
                self._began = self._clock(), event.step
            self._latest = event.step
        elif isinstance(event, FrameDone):
            self._taken.append(event.seconds)

    def step(self, event: StepDone) -> str:
        """``3.1 s left, loss 0.700, dev 80.0 %``."""
        since, first = self._began or (self._clock(), event.step)
        done = event.step - first
        each = max(self._clock() - since, 1e-6) / max(done, 1)
        left = f"{seconds((event.steps - event.step) * each)} left, " if done else ""
        return f"{left}loss {event.loss:.3f}{self._dev}"

    def frames(self, done: int, total: int) -> str:
        """``about 3 min 20 s left`` of all frames, or nothing before one is done."""
        if not self._taken or done >= total:
            return ""
        return f"about {seconds(sum(self._taken) / len(self._taken) * (total - done))} left"


class _Lines:
    """A line a frame, and one now and then in between."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._pace = _Pace(clock)
        self._said = clock()

    def __call__(self, event: Event) -> None:
        self._pace.hear(event)
        line = event_line(event)
        if isinstance(event, StepDone) and self._clock() - self._said >= SECONDS_BETWEEN_LINES:
            frame = f"{_place(self._pace.frame)}: " if self._pace.frame else ""
            line = f"{frame}{_step(event)}, {self._pace.step(event)}"
        if line is not None:
            self._said = self._clock()
            console.note(line)


class _Display:
    """Two bars, all frames and the present one, and the finished frames above them."""

    def __init__(self, progress: Progress, clock: Callable[[], float]) -> None:
        self._progress = progress
        self._pace = _Pace(clock)
        self._frames: TaskID | None = None
        self._steps: TaskID | None = None

    def __call__(self, event: Event) -> None:
        self._pace.hear(event)
        if isinstance(event, FrameStarted):
            self._show(f"frame {event.index} of {event.total}, {event.name}", event.index - 1, event.total)
            self._steps = self._progress.add_task(
                "", total=event.steps, completed=event.resumed_at, words="reading the rows"
            )
        elif isinstance(event, StepDone) and self._steps is not None:
            self._progress.update(
                self._steps,
                description=_step(event),
                completed=event.step,
                total=event.steps,
                words=self._pace.step(event),
            )
        elif isinstance(event, (FrameDone, FrameKept)):
            if self._steps is not None:
                self._progress.remove_task(self._steps)
                self._steps = None
            self._say(event)
            self._show(f"{event.index} of {many(event.total, 'frame')}", event.index, event.total)
        elif isinstance(event, (MemoryShort, FamilySettled, Waiting)):
            self._say(event)

    def _say(self, event: Event) -> None:
        self._progress.console.print(event_line(event), markup=False, highlight=False, soft_wrap=True)

    def _show(self, what: str, done: int, total: int) -> None:
        words = self._pace.frames(done, total)
        if self._frames is None:
            self._frames = self._progress.add_task(what, total=total, completed=done, words=words)
        self._progress.update(self._frames, description=what, completed=done, words=words)
