"""What compression did to a stack as a report shows it, from the document of one seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from skillstack.evaluation.intervals import Interval
from skillstack.reports.checked import difference, figure, flag, interval, name, whole
from skillstack.reports.tested import Tested, tested_of


@dataclass(frozen=True)
class Outcome:
    """One compression, and what came of it.

    :ivar what: ``family`` or ``stack``.
    :ivar candidate: what was chosen; None where nothing was.
    :ivar verdict: the guard's; None where it was not asked.
    :ivar why: the same in words.
    :ivar frames_before: of the stack.
    :ivar frames_after: likewise; None where nothing changed.
    :ivar bytes_before: of the stack's adapters.
    :ivar bytes_after: likewise; None where nothing changed.
    :ivar test: on test rows; None where nothing changed.
    """

    what: Literal["family", "stack"]
    candidate: str | None
    verdict: str | None
    why: str
    frames_before: int
    frames_after: int | None
    bytes_before: int
    bytes_after: int | None
    test: Tested | None

    @property
    def share(self) -> float | None:
        """Bytes after of bytes before."""
        return None if self.bytes_after is None else self.bytes_after / self.bytes_before


@dataclass(frozen=True)
class Removal:
    """A compressed stack without one of its frames, on dev rows.

    :ivar frame: the frame that is removed.
    :ivar loss: mean over tasks of routed accuracy before minus after.
    :ivar interval: of it.
    :ivar before: routed accuracy of the frame's own tasks; None without rows of them.
    :ivar after: likewise without the frame.
    :ivar redundancy: share of their lead that the others keep; None where there is none.
    """

    frame: str
    loss: float
    interval: Interval
    before: float | None
    after: float | None
    redundancy: float | None


@dataclass(frozen=True)
class Compression:
    """What compression did to the stack of one seed.

    :ivar preset: whose tasks it knows.
    :ivar seed: of its training.
    :ivar base: name of the frozen model.
    :ivar family: the family that was compressed.
    :ivar outcomes: of that family, and of the whole stack.
    :ivar boundary: the compressed family's stack without each frame in turn; empty where nothing changed.
    :ivar undone: whether undo brought the same ids back each time.
    """

    preset: str
    seed: int
    base: str
    family: str
    outcomes: tuple[Outcome, ...]
    boundary: tuple[Removal, ...]
    undone: bool

    @property
    def title(self) -> str:
        """What a table calls it."""
        return f"seed {self.seed}, {self.preset}"


def compression_of(document: Mapping[str, Any]) -> Compression:
    """The compression of this document.

    :raises KeyError, TypeError, ValueError, AttributeError: if it is none.
    """
    frames = whole(document["frames"], 1)
    return Compression(
        preset=name(document["preset"]),
        seed=whole(document["seed"]),
        base=name(document["base"]),
        family=name(document["plan"]["family"]),
        outcomes=(
            _outcome("family", document["family"], frames),
            _outcome("stack", document["stack"], frames),
        ),
        boundary=tuple(_removal(one) for one in document.get("boundary", {"removals": ()})["removals"]),
        undone=flag(document["undone"]),
    )


def _outcome(what: Literal["family", "stack"], one: Mapping[str, Any], frames: int) -> Outcome:
    applied, guarded = flag(one["applied"]), one["guarded"]
    if applied and (guarded is None or one["chosen"] is None):
        raise ValueError("something was done that nobody chose and no guard saw")
    return Outcome(
        what=what,
        candidate=None if one["chosen"] is None else name(one["chosen"]),
        verdict=None if guarded is None else name(guarded["verdict"]),
        why="" if guarded is None else name(guarded["why"]),
        frames_before=frames,
        frames_after=whole(one["frames"], 1) if applied else None,
        bytes_before=whole(one["bytes"]["before"], 1),
        bytes_after=whole(one["bytes"]["after"]) if applied else None,
        test=tested_of(one["test"]) if applied else None,
    )


def _removal(one: Mapping[str, Any]) -> Removal:
    loss, own, redundancy = one["loss"], one["own_tasks"], one["redundancy"]
    return Removal(
        frame=name(one["frame"]),
        loss=difference(loss["difference"]),
        interval=interval(loss["interval"]),
        before=None if own["before"] is None else figure(own["before"]),
        after=None if own["after"] is None else figure(own["after"]),
        redundancy=None if redundancy is None else figure(redundancy),
    )
