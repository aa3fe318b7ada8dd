"""What a forked process must not take over from its parent: locks that nobody there will open."""

from __future__ import annotations

import os
import threading

#: The process that imported this first. One that was forked from it has another number.
_STARTED_IN = os.getpid()


def is_forked() -> bool:
    """Whether this process was forked from one that had skillstack in memory."""
    return os.getpid() != _STARTED_IN


class ProcessLock:
    """A reentrant lock between the threads of one process; a forked process finds it open."""

    def __init__(self) -> None:
        self._locks: dict[int, threading.RLock] = {}

    def __enter__(self) -> None:
        self._here.acquire()

    def __exit__(self, *_: object) -> None:
        self._here.release()

    @property
    def _here(self) -> threading.RLock:
        # One call, so that two threads never make two of them.
        return self._locks.setdefault(os.getpid(), threading.RLock())
