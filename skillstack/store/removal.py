"""Deleting: files that are known by name, in real folders. A link to a folder is never followed.

A store that came from somewhere may hold links, and what they point at belongs to somebody else. Where the
system can, each folder on the way is opened without following a link, and the file is deleted in the folder
that was opened; so one that is swapped for a link meanwhile is no way out.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from skillstack.errors import StoreError
from skillstack.store.files import TEMPORARY, as_store_error
from skillstack.store.records import ADAPTER_FILES
from skillstack.store.states import MANIFEST, VALUES

_DIGEST, _NAME = "[0-9a-f]{64}", "[a-z0-9][a-z0-9._-]*"


_ADAPTER = "|".join(map(re.escape, ADAPTER_FILES))


_LEFT_OVER = re.compile(re.escape(TEMPORARY) + "[0-9a-f]{32}")


#: The folders of a store, and what the folders and files in each are named. Anything else is somebody's own.
KNOWN: Mapping[str, tuple[re.Pattern[str], ...]] = {
    folder: tuple(map(re.compile, levels))
    for folder, levels in {
        "nodes": [rf"{_DIGEST}\.json"],
        "contents": [rf"{_DIGEST}\.json"],
        "adapters": [rf"{_NAME}-[0-9a-f]{{12}}", _ADAPTER],
        "heads": [rf"{_DIGEST}\.safetensors"],
        "states": [_DIGEST, rf"{re.escape(MANIFEST)}|{re.escape(VALUES)}|{_NAME}\.safetensors"],
        "samples": [rf"{_DIGEST}(\.withheld)?"],
        "learned": [rf"{_DIGEST}\.safetensors"],
        "canaries": [rf"{_DIGEST}\.json"],
        "evaluations": [rf"{_DIGEST}-{_NAME}\.json"],
        "derived": [_NAME, rf"{_DIGEST}\.safetensors"],
        "work": [_DIGEST, rf"checkpoint\.json|{_DIGEST}\.safetensors"],
        "routers": [_NAME, _DIGEST, r"state\.(json|safetensors)"],
        # Of these, only what a crash left behind is ever deleted.
        "stacks": [],
        "history": [],
    }.items()
}


#: What Windows tags a junction with, a link that it does not call one.
_JUNCTION = 0xA0000003


_BY_DESCRIPTOR = {os.open, os.unlink, os.rmdir} <= os.supports_dir_fd and hasattr(os, "O_NOFOLLOW")


@dataclass(frozen=True)
class Removable:
    """What of a folder may be deleted.

    :ivar files: known by name, in real folders; of a linked file, the link itself.
    :ivar links: folders of a known name that are links. What they point at is left alone.
    """

    files: tuple[Path, ...] = ()
    links: tuple[Path, ...] = ()

    def __add__(self, other: Removable) -> Removable:
        return Removable(self.files + other.files, self.links + other.links)


def find(folder: Path, levels: Sequence[re.Pattern[str]], *, own: bool = False) -> Removable:
    """Files in a folder of a store, by name.

    :param levels: names of the folders in it, from the upper to the lower, and last those of the files.
    :param own: whether the folder is the one that the user named, which may be a link.
    """
    if not own and is_link(folder):
        return Removable(links=(folder,))
    found = Removable()
    try:
        entries = sorted(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return found
    for entry in entries:
        if _LEFT_OVER.fullmatch(entry.name):
            found += Removable((entry,)) if _is_file(entry) else Removable()
        elif not levels or not levels[0].fullmatch(entry.name):
            continue
        elif len(levels) > 1:
            found += find(entry, levels[1:])
        elif _is_file(entry):
            found += Removable((entry,))
    return found


def is_link(path: Path) -> bool:
    """Whether a path itself is a link, or on Windows a junction."""
    try:
        status = path.lstat()
    except OSError:
        return False
    return stat.S_ISLNK(status.st_mode) or getattr(status, "st_reparse_tag", 0) == _JUNCTION


def remove_file(base: Path, path: Path) -> bool:
    """Delete a file; one that is gone already is no error. Of a linked file, the link goes.

    :param base: a folder above it. Up to here, links are the user's own way to name the place.
    :returns: False if a folder on the way from there is a link: then all stays as it is.
    :raises StoreError: on a system error.
    """
    try:
        with _entered(base, path) as descriptor:
            if descriptor is None:
                path.unlink()
            else:
                os.unlink(path.name, dir_fd=descriptor)
    except FileNotFoundError:
        return True
    except _LinkError:
        return False
    except OSError as error:
        raise as_store_error(error, path, "delete") from error
    return True


def remove_empty(base: Path, folder: Path) -> None:
    """Delete a folder if nothing is in it, and no folder on the way from ``base`` is a link."""
    with contextlib.suppress(OSError, _LinkError), _entered(base, folder) as descriptor:
        if descriptor is None:
            folder.rmdir()
        else:
            os.rmdir(folder.name, dir_fd=descriptor)


def remove_tree(base: Path, folder: Path) -> None:
    """Delete a folder with all that is in it. Links in it go, and what they point at stays.

    :param base: a folder above it, as for `remove_file`.
    :raises StoreError: if it, or a folder on the way to it, is a link; or on a system error.
    """
    try:
        with _entered(base, folder) as descriptor:
            if is_link(folder):
                raise _LinkError(folder)
            if descriptor is None:
                shutil.rmtree(folder)
            else:
                shutil.rmtree(folder.name, dir_fd=descriptor)
    except _LinkError as error:
        raise StoreError(
            f"{error.args[0]} is a link, and what lies behind a link is not deleted.",
            "Put a folder in its place, or choose another one.",
        ) from None
    except OSError as error:
        raise as_store_error(error, folder, "delete") from error


class _LinkError(Exception):
    """A folder on the way is a link: the one argument."""


@contextlib.contextmanager
def _entered(base: Path, path: Path) -> Iterator[int | None]:
    """A descriptor of the folder that a path lies in; None where the system does not delete by descriptor."""
    folders = path.relative_to(base).parts[:-1]
    if ".." in folders or path.name in ("", ".."):
        raise _LinkError(path)
    if not _BY_DESCRIPTOR:
        for count in range(len(folders)):
            if is_link(place := base.joinpath(*folders[: count + 1])):
                raise _LinkError(place)
        yield None
        return
    descriptor = os.open(base, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for count, folder in enumerate(folders):
            try:
                inner = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=descriptor)
            except OSError:
                if is_link(place := base.joinpath(*folders[: count + 1])):
                    raise _LinkError(place) from None
                raise
            os.close(descriptor)
            descriptor = inner
        yield descriptor
    finally:
        os.close(descriptor)


def _is_file(path: Path) -> bool:
    """Whether there is no folder of this name: a file, or a link to whatever."""
    return path.is_symlink() or path.is_file()
