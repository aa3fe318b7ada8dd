"""Until when a training may run, and what each part of it took so far."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


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
