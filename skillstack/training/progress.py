"""What a training tells while it runs, and until when it may run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from skillstack.store.records import Count


class OutOfTime(Exception):  # noqa: N818 - no error: it ends a frame's training at a checkpoint
    """The time limit is reached, and everything done so far is kept."""


class Deadline:
    """A time limit that keeps in reserve what must still be done.

    Parts may be counted: one that read twice as many rows is expected to take twice as long.

    :ivar seconds: the limit, counted from when this was made; None for none.
    :ivar gained: whether anything was done yet that a later run need not do again.
    """

    def __init__(self, seconds: float | None = None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds = seconds
        self._clock = clock
        self._began = clock()
        self.gained = False
        self._longest: dict[str, float] = {}

    @contextmanager
    def timed(self, part: str, count: float = 1.0) -> Iterator[None]:
        """Remember how long a part took, if it took longer than ever before.

        :param count: how much of it there was.
        """
        began = self._clock()
        yield
        self.guess(part, (self._clock() - began) / count)

    def guess(self, part: str, seconds: float) -> None:
        """Expect a part to take this long, or as long as it ever did if that is longer."""
        self._longest[part] = max(self._longest.get(part, 0.0), seconds)

    def expected(self, *parts: str, **counted: float) -> float:
        """Seconds that these parts will take if each takes as long as it ever did.

        :param counted: parts of which there is more than one, and how much.
        """
        once = sum(self._longest.get(part, 0.0) for part in parts)
        return once + sum(self._longest.get(part, 0.0) * count for part, count in counted.items())

    @property
    def over(self) -> bool:
        """Whether the limit is reached, be anything gained or not."""
        return self.seconds is not None and self._clock() - self._began >= self.seconds

    def allows(self, *parts: str, **counted: float) -> bool:
        """Whether to do these parts, one after the other: there is time for them, or nothing is gained yet.

        A run that ended without gain would end so each time it is run again, so it does at least something,
        be it late. A limit of nothing allows nothing.
        """
        if self.seconds is None:
            return True
        if not self.gained and self.seconds > 0:
            return True
        return self._began + self.seconds - self._clock() > self.expected(*parts, **counted)


@dataclass(frozen=True)
class Waiting:
    """Another training of the stack is under way; this one begins when that has ended.

    :ivar stack: the stack.
    """

    stack: str


@dataclass(frozen=True)
class FrameStarted:
    """A frame's training begins, or goes on.

    :ivar index: its place, from 1.
    :ivar total: frames in all.
    :ivar name: the frame.
    :ivar rows: training rows.
    :ivar steps: optimizer steps in all.
    :ivar resumed_at: the step of the checkpoint it goes on from, or 0.
    """

    index: int
    total: int
    name: str
    rows: int
    steps: int
    resumed_at: int


@dataclass(frozen=True)
class StepDone:
    """An optimizer step was taken.

    :ivar name: the frame.
    :ivar step: how many there were.
    :ivar steps: how many there will be.
    :ivar loss: cross-entropy of the batch, in nats.
    """

    name: str
    step: int
    steps: int
    loss: float


@dataclass(frozen=True)
class DevMeasured:
    """A candidate was measured on dev.

    :ivar name: the frame.
    :ivar candidate: ``frozen-linear``, ``epoch 2``, ``refit``, ...
    :ivar dev: its accuracy.
    """

    name: str
    candidate: str
    dev: Count


@dataclass(frozen=True)
class MemoryShort:
    """Memory ran out, and fewer rows pass at once from now on; a step still learns from all of its rows.

    :ivar name: the frame.
    :ivar rows: how many pass at once.
    """

    name: str
    rows: int


@dataclass(frozen=True)
class FrameDone:
    """A frame is on the stack.

    :ivar index: its place, from 1.
    :ivar total: frames in all.
    :ivar name: the frame.
    :ivar frame_id: its node id.
    :ivar dev: accuracy of the chosen candidate.
    :ivar frozen_linear: accuracy of the same head on the frozen base.
    :ivar chosen: which candidate it is.
    :ivar seconds: how long it took.
    """

    index: int
    total: int
    name: str
    frame_id: str
    dev: Count
    frozen_linear: Count
    chosen: str
    seconds: float


@dataclass(frozen=True)
class FrameKept:
    """A frame was on the stack already, with the same plan.

    :ivar index: its place, from 1.
    :ivar total: frames in all.
    :ivar name: the frame.
    """

    index: int
    total: int
    name: str


@dataclass(frozen=True)
class FamilySettled:
    """A new frame was tried against the others of its family.

    :ivar family: the family.
    :ivar frames: names of those of its frames that were to become one, oldest first.
    :ivar merged: name of the frame that they are now; None where they stay as they are.
    :ivar why: what the guard said, or why it was not asked.
    """

    family: str
    frames: tuple[str, ...]
    merged: str | None
    why: str


Event = Waiting | FrameStarted | StepDone | DevMeasured | MemoryShort | FrameDone | FrameKept | FamilySettled
Listener = Callable[[Event], None]


def nobody(event: Event) -> None:
    """Listen to nothing."""
