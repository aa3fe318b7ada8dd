"""Until when a training may run, and what each part of it took so far."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class OutOfTime(Exception):  # noqa: N818 - no error: it ends a frame's training at a checkpoint
    """The time limit is reached, and everything done so far is kept."""


class Deadline:
    """A time limit that keeps in reserve what must still be done.

    :ivar seconds: the limit, counted from when this was made; None for none.
    """

    def __init__(self, seconds: float | None = None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds = seconds
        self._clock = clock
        self._began = clock()
        self._longest: dict[str, float] = {}

    @contextmanager
    def timed(self, part: str) -> Iterator[None]:
        """Remember how long a part took, if it took longer than ever before."""
        began = self._clock()
        yield
        self._longest[part] = max(self._longest.get(part, 0.0), self._clock() - began)

    def guess(self, part: str, seconds: float) -> None:
        """Expect a part that was never done to take this long."""
        self._longest.setdefault(part, seconds)

    def expected(self, *parts: str) -> float:
        """Seconds that these parts will take if each takes as long as it ever did."""
        return sum(self._longest.get(part, 0.0) for part in parts)

    def allows(self, *parts: str) -> bool:
        """Whether there is time for these parts, one after the other."""
        if self.seconds is None:
            return True
        return self._began + self.seconds - self._clock() > self.expected(*parts)
