"""Ctrl-C that is not lost.

Python raises `KeyboardInterrupt` wherever it happens to be, and inside a callback or a finaliser of a library
it is printed and forgotten. So it is remembered here, and raised again at the next safe place.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def remembered_interrupts() -> Iterator[Callable[[], None]]:
    """Remember an interrupt while this is open.

    :returns: a function that raises `KeyboardInterrupt` if there was one.
    """
    seen = False

    def remember(number: int, frame: FrameType | None) -> None:
        nonlocal seen
        seen = True
        raise KeyboardInterrupt

    def check() -> None:
        if seen:
            raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield check
        return
    before = signal.signal(signal.SIGINT, remember)
    try:
        yield check
    finally:
        signal.signal(signal.SIGINT, before)
