"""What a training tells while it runs. Whoever shows progress listens; nothing depends on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from skillstack.frames.records import Count


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


Event = FrameStarted | StepDone | DevMeasured | MemoryShort | FrameDone | FrameKept | FamilySettled
Listener = Callable[[Event], None]


def nobody(event: Event) -> None:
    """Listen to nothing."""
