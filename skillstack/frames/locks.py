"""Locks between processes: one training per stack, one short commit per store. Readers need none."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from skillstack.errors import BusyError
from skillstack.frames.atomic import as_store_error, make_folder

#: Seconds that a commit waits for another one. Commits take milliseconds.
COMMIT_WAIT = 20.0


@contextlib.contextmanager
def commit_lock(root: Path) -> Iterator[None]:
    """Hold the store's commit lock.

    :raises BusyError: if another process does not give it up in time.
    :raises StoreError: if the lock file cannot be made.
    """
    with _hold(_commit_path(root), COMMIT_WAIT, "Another command is changing this store."):
        yield


@contextlib.contextmanager
def training_lock(root: Path, stack: str) -> Iterator[None]:
    """Hold the lock of everything that takes long on one stack.

    :raises BusyError: at once, if another process trains this stack.
    :raises StoreError: if the lock file cannot be made.
    """
    with _hold(
        root / "work" / f"{stack}.lock", 0.0, f"Another training of the stack {stack!r} is under way."
    ):
        yield


def is_training(root: Path) -> bool:
    """Whether any process holds the training lock of any stack."""
    for path in sorted((root / "work").glob("*.lock")):
        if path == _commit_path(root):
            continue
        try:
            with _hold(path, 0.0, ""):
                pass
        except BusyError:
            return True
    return False


def _commit_path(root: Path) -> Path:
    # No stack's name begins with an underscore, so its training lock never is this file.
    return root / "work" / "_commit.lock"


@contextlib.contextmanager
def _hold(path: Path, wait: float, busy: str) -> Iterator[None]:
    import filelock  # on the writing path only

    lock = filelock.FileLock(path)
    try:
        make_folder(path.parent)
        lock.acquire(timeout=wait)
    except filelock.Timeout:
        raise BusyError(busy, "Wait until it has ended, or stop it, and run this command again.") from None
    except OSError as error:
        raise as_store_error(error, path) from error
    try:
        yield
    finally:
        lock.release()
