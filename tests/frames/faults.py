"""Failing the N-th call that changes a disk: with a system error, or by dying at that instant.

Every such call of the store goes through the functions patched here, those of the lock files included.
"""

from __future__ import annotations

import builtins
import errno
import io
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

OS_CALLS = ("open", "fsync", "replace", "unlink", "mkdir", "rmdir", "ftruncate", "utime")
#: Calls that need room on the disk.
ROOM = ("create", "write", "mkdir")


class Killed(BaseException):
    """The process is dead: no handler for errors sees this, and no later call reaches the disk."""


@dataclass
class Faults:
    """Counts the calls and fails one.

    :ivar at: number of the call to fail, or None.
    :ivar how: ``kill`` (in this process), ``exit`` (really: SIGKILL), ``error`` (EIO, once), ``full`` (ENOSPC
        from there on, for every call that needs room).
    """

    at: int | None = None
    how: str = "kill"
    calls: list[str] = field(default_factory=list)
    dead: bool = False
    lock: threading.RLock = field(default_factory=threading.RLock)

    def call(
        self, name: str, torn: Callable[[], object] | None, real: Callable[..., Any], *args: Any, **kw: Any
    ) -> Any:
        """One call after the other: who dies in one thread writes nothing more in another."""
        with self.lock:
            return self._call(name, torn, real, *args, **kw)

    def _call(
        self, name: str, torn: Callable[[], object] | None, real: Callable[..., Any], *args: Any, **kw: Any
    ) -> Any:
        if self.dead:
            raise Killed
        self.calls.append(name)
        reached = self.at is not None and len(self.calls) > self.at
        first = reached and len(self.calls) == self.at + 1  # type: ignore[operator]
        if first and self.how in ("kill", "exit"):
            if torn is not None:
                torn()
            if self.how == "exit":
                os.kill(os.getpid(), 9)
            self.dead = True
            raise Killed
        if first and self.how == "error":
            raise OSError(errno.EIO, "Input/output error")
        if reached and self.how == "full" and name in ROOM:
            if first and torn is not None:
                torn()
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(*args, **kw)


class _File:
    """A file whose writes are counted. A write that fails has put half of its bytes on the disk."""

    def __init__(self, file: Any, faults: Faults) -> None:
        self._file = file
        self._faults = faults

    def write(self, data: Any) -> int:
        half = bytes(data)[: len(data) // 2]
        return self._faults.call("write", lambda: self._file.write(half), self._file.write, data)

    def __enter__(self) -> _File:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def _is_probe(path: object) -> bool:
    """Whether the lock library looks at a lock's folder, which changes no disk and may fail without harm."""
    caller = sys._getframe(2).f_globals.get("__name__", "")
    return caller.startswith("filelock") and os.path.isdir(path)  # noqa: PTH112


@contextmanager
def faults(at: int | None = None, how: str = "kill") -> Iterator[Faults]:
    """Patch every call that changes a disk."""
    state = Faults(at, how)
    real_open = io.open

    def opened(file: Any, mode: str = "r", *args: Any, **kw: Any) -> Any:
        if not set(mode) & set("wxa+"):
            return real_open(file, mode, *args, **kw)
        name = "create" if set(mode) & set("wxa") else "reopen"  # the second needs no room
        return _File(state.call(name, None, real_open, file, mode, *args, **kw), state)

    def counted(name: str) -> Callable[..., Any]:
        # Waiting for the disk takes most of the time and leaves nothing to see.
        real = (lambda descriptor: None) if name == "fsync" else getattr(os, name)

        def call(*args: Any, **kw: Any) -> Any:
            if name == "open" and args and _is_probe(args[0]):
                return real(*args, **kw)
            return state.call(name, None, real, *args, **kw)

        return call

    patches = [patch.object(os, name, counted(name)) for name in OS_CALLS]
    patches += [patch.object(io, "open", opened), patch.object(builtins, "open", opened)]
    for each in patches:
        each.start()
    try:
        yield state
    finally:
        for each in patches:
            each.stop()
