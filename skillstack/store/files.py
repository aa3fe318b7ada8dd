"""Writing files so that a crash at any instant leaves the old bytes or the new ones; and the locks.

Temporary name in the same folder, write, flush, fsync, rename, fsync of the folder. A failed fsync is
never retried: the kernel may have dropped the pages, and a second call would report success. Many files go
through these steps together (`FileBatch`): the order stays, and the waits overlap.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import uuid
import warnings
from collections.abc import Callable, Iterable, Iterator
from io import FileIO
from pathlib import Path
from typing import BinaryIO, Self, TypeVar

from skillstack.errors import BusyError, StoreError

TEMPORARY = ".tmp-"

#: What some network and FUSE mounts answer to an fsync that they do not offer.
_NO_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.ENOSYS, errno.EBADF, errno.EACCES, errno.EPERM}

#: Files and folders of a batch that wait for the disk at once; file systems commit those together.
_WAITING = 8

#: Seconds that a commit waits for another one. Commits take milliseconds.
COMMIT_WAIT = 20.0

_warned = False
_T = TypeVar("_T")


def write_file(path: Path, data: bytes) -> None:
    """Put these bytes at this path, wholly or not at all.

    :raises StoreError: if the disk is full, the folder read-only, or another system error stops it.
    """
    temporary = _temporary(path)
    try:
        make_folder(path.parent)
        _write_synced(temporary, data)
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise as_store_error(error, path) from error


@contextlib.contextmanager
def writing(path: Path) -> Iterator[BinaryIO]:
    """A file to write piece by piece that appears at this path once all of it is on disk, or never.

    :raises StoreError: as `write_file`.
    """
    temporary = _temporary(path)
    try:
        make_folder(path.parent)
        with temporary.open("xb") as file:
            yield file
            file.flush()
            sync(file.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise as_store_error(error, path) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_new(path: Path, data: bytes) -> None:
    """As `write_file`, for content that is named by its digest: an equal file is left as it is.

    It is touched, so that a garbage collection takes it for as young as the command that needs it again.
    """
    if not _kept(path, data):
        write_file(path, data)


class FileBatch:
    """Many files that appear together. They wait under temporary names; an error before that leaves none.

    Used with ``with``. What a later file names must be settled before that file is added.
    """

    def __init__(self) -> None:
        self._waiting: dict[Path, Path] = {}
        self._folders: dict[Path, None] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for temporary in self._waiting.values():
            with contextlib.suppress(OSError):
                temporary.unlink()

    def add(self, path: Path, data: bytes) -> None:
        """As `write_new`, but the file is neither in its place nor on disk before `settle`.

        :param path: not added since the last `settle`.
        :raises StoreError: if the disk is full, the folder read-only, or another system error stops it.
        """
        # Of an equal file nobody knows whether its folder was synced: who wrote it may have been killed.
        self._folders[path.parent] = None
        if _kept(path, data):
            return
        temporary = _temporary(path)
        try:
            self._folders.update(dict.fromkeys(_make_folders(path.parent)))
            self._waiting[path] = temporary
            with temporary.open("xb", buffering=0) as file:
                _write_all(file, data)
        except OSError as error:
            raise as_store_error(error, path) from error

    def settle(self) -> None:
        """Wait until all files that were added are on disk, give them their names, and wait for these.

        :raises StoreError: on a system error; some of the files may be in their places then.
        """
        _at_once(_sync_file, self._waiting.items())
        for path, temporary in list(self._waiting.items()):
            try:
                temporary.replace(path)
            except OSError as error:
                raise as_store_error(error, path) from error
            del self._waiting[path]
        _at_once(_sync_entries, self._folders)
        self._folders.clear()


def append_line(path: Path, line: bytes) -> None:
    """Add one line to a log and wait until it is on disk.

    What a crash left behind the last newline was never acted on; it is cut off first.

    :raises StoreError: on a system error; the log is cut back to its old length where that is possible.
    """
    try:
        make_folder(path.parent)
        # Unbuffered: a buffer would be written once more when the file is closed after an error.
        with path.open("ab+", buffering=0) as file:
            file.seek(0)
            end = file.readall().rfind(b"\n") + 1
            try:
                os.ftruncate(file.fileno(), end)
                _write_all(file, line + b"\n")
                sync(file.fileno())
            except OSError:
                with contextlib.suppress(OSError):
                    os.ftruncate(file.fileno(), end)
                raise
        if end == 0:
            sync_folder(path.parent)
    except OSError as error:
        raise as_store_error(error, path) from error


def make_folder(path: Path) -> None:
    """Make a folder and what is missing above it, each entry synced into its parent."""
    for parent in _make_folders(path):
        sync_folder(parent)


def _make_folders(path: Path) -> Iterator[Path]:
    """Make a folder and what is missing above it; yields each parent once its new entry must be synced."""
    if path.is_dir():
        return
    yield from _make_folders(path.parent)
    path.mkdir(exist_ok=True)
    yield path.parent


def _temporary(path: Path) -> Path:
    return path.with_name(f"{TEMPORARY}{uuid.uuid4().hex}")


def _kept(path: Path, data: bytes) -> bool:
    """Whether a file holds these bytes already; then it is touched."""
    try:
        if path.read_bytes() != data:
            return False
    except FileNotFoundError:
        return False
    except OSError as error:
        raise as_store_error(error, path, "read") from error
    with contextlib.suppress(OSError):
        os.utime(path)
    return True


def _write_synced(path: Path, data: bytes) -> None:
    with path.open("xb", buffering=0) as file:
        _write_all(file, data)
        sync(file.fileno())


def _write_all(file: FileIO, data: bytes) -> None:
    rest = memoryview(data)
    while rest:  # a disk that fills up takes a part first
        rest = rest[file.write(rest) :]


def sync(descriptor: int) -> None:
    """Wait until a file's bytes are on disk (macOS: past the drive's cache too)."""
    try:
        if sys.platform == "darwin":
            import fcntl

            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
        else:
            os.fsync(descriptor)
    except OSError as error:
        _tolerate(error)


def sync_folder(path: Path) -> None:
    """Wait until a folder's entries are on disk. Windows has no such call."""
    if os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        _tolerate(error)
    finally:
        os.close(descriptor)


def _sync_file(entry: tuple[Path, Path]) -> None:
    path, temporary = entry
    try:
        with temporary.open("r+b", buffering=0) as file:  # Windows syncs only what may be written
            sync(file.fileno())
    except OSError as error:
        raise as_store_error(error, path) from error


def _sync_entries(folder: Path) -> None:
    try:
        sync_folder(folder)
    except OSError as error:
        raise as_store_error(error, folder) from error


def _at_once(wait: Callable[[_T], None], each: Iterable[_T]) -> None:
    """Call this for each, some at a time; after an error, no further one begins."""
    from concurrent.futures import ThreadPoolExecutor  # takes its time, and most commands write few files

    with ThreadPoolExecutor(_WAITING) as pool:
        for _ in pool.map(wait, each):
            pass


def _tolerate(error: OSError) -> None:
    global _warned
    if error.errno not in _NO_SYNC:
        raise error
    if not _warned:
        _warned = True
        warnings.warn("This file system does not sync; a power cut may lose the last change.", stacklevel=2)


def as_store_error(error: OSError, path: Path, verb: str = "write") -> StoreError:
    """Explain a system error at this path to the user.

    :param verb: what was tried: ``write``, ``read`` or ``delete``.
    """
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreError(
            f"The disk is full: cannot write {path}.", "Free some space and run the command again."
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return StoreError(
            f"No permission to {verb} {path}.",
            "Choose another store with --store, or change the permissions.",
        )
    return StoreError(f"Cannot {verb} {path}: {error.strerror or error}.", "Nothing was changed.")


#: Seconds between two questions whether to wait on.
_ASKS = 0.25
#: Asked again and again while another process holds a lock: whether to wait on.
Patience = Callable[[], bool]


def no_patience() -> bool:
    """Do not wait."""
    return False


@contextlib.contextmanager
def commit_lock(root: Path) -> Iterator[None]:
    """Hold the store's commit lock.

    :raises BusyError: if another process does not give it up in time.
    :raises StoreError: if the lock file cannot be made.
    """
    with _hold(_commit_path(root), COMMIT_WAIT, "Another command is changing this store."):
        yield


@contextlib.contextmanager
def training_lock(root: Path, stack: str, patience: Patience = no_patience) -> Iterator[None]:
    """Hold the lock of everything that takes long on one stack.

    :raises BusyError: if another process trains this stack, and patience ends.
    :raises StoreError: if the lock file cannot be made.
    """
    busy = f"Another training of the stack {stack!r} is under way."
    with _hold(root / "work" / f"{stack}.lock", 0.0, busy, patience):
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
def _hold(path: Path, wait: float, busy: str, patience: Patience = no_patience) -> Iterator[None]:
    import filelock  # on the writing path only

    lock = filelock.FileLock(path)
    try:
        make_folder(path.parent)
        while not lock.is_locked:
            try:
                lock.acquire(timeout=wait)
            except filelock.Timeout:
                if not patience():
                    raise
                wait = _ASKS
    except filelock.Timeout:
        raise BusyError(busy, "Wait until it has ended, or stop it, and run this command again.") from None
    except OSError as error:
        raise as_store_error(error, path) from error
    try:
        yield
    finally:
        lock.release()
