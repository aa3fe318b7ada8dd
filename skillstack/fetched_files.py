"""Files that are copied and checked: against what the hub announced, and against what a manifest says."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from skillstack.errors import IntegrityError, StoreError
from skillstack.frames.atomic import as_store_error, sync, sync_folder

_CHUNK = 1 << 22
#: Endings of what is copied: a cached snapshot may hold pickles and code that other programs asked for.
_WANTED = (".gz", ".json", ".safetensors", ".txt", ".model", ".jinja", ".md")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_SHA1 = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class FetchedFile:
    """A file of an offline folder.

    :ivar name: without folders.
    """

    name: str
    bytes: int
    sha256: str


def copy_files(source: Path, target: Path, *, replace: bool) -> tuple[FetchedFile, ...]:
    """Copy the files of a folder, checked; the whole folder appears at once.

    :param replace: whether what lies at the target may go.
    :raises IntegrityError: if a file is not the one that the hub announced.
    :raises StoreError: if the target cannot be written, or holds something else.
    """
    # Always the same name, so that a fetch that was killed leaves nothing for long.
    made = target.parent / f".fetch-{target.name}"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if made.exists():
            shutil.rmtree(made)
        made.mkdir()
        files = tuple(_copy(file, made / file.name) for file in _sorted_files(source))
        if target.exists():
            if not replace and not is_whole(target, files):
                raise StoreError(
                    f"{target} is there already, and was not made by a fetch.",
                    "Move it away, or name another folder with --output.",
                )
            shutil.rmtree(target)
        made.rename(target)
        sync_folder(target.parent)
    except OSError as error:
        raise as_store_error(error, target) from error
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return files


def is_whole(folder: Path, files: Sequence[FetchedFile]) -> bool:
    """Whether a folder holds exactly these files, by size and SHA-256."""
    try:
        if sorted(file.name for file in folder.iterdir()) != sorted(file.name for file in files):
            return False
        return all(
            (folder / file.name).stat().st_size == file.bytes and _digest(folder / file.name) == file.sha256
            for file in files
        )
    except OSError:
        return False


def contents_digest(folder: Path) -> str:
    """SHA-256 over names and digests of the files that would be copied.

    :raises StoreError: if one cannot be read.
    """
    try:
        lines = [f"{_digest(file)}  {file.name}\n" for file in _sorted_files(folder)]
    except OSError as error:
        raise as_store_error(error, folder, "read") from error
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _sorted_files(folder: Path) -> list[Path]:
    return sorted(
        file
        for file in folder.iterdir()
        if file.is_file() and file.name.endswith(_WANTED) and file.name[0] != "."
    )


def _copy(source: Path, target: Path) -> FetchedFile:
    announced = _announced(source)
    sha256, size = hashlib.sha256(), source.stat().st_size
    git = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    with target.open("xb") as copy:
        for chunk in _chunks(source):
            sha256.update(chunk)
            git.update(chunk)
            copy.write(chunk)
        copy.flush()
        sync(copy.fileno())
    if announced and announced not in (sha256.hexdigest(), git.hexdigest()):
        raise IntegrityError(
            f"{source.name} is damaged: its digest is not the one that the hub announced.",
            f"Delete {source.resolve()} and run the same command again.",
        )
    return FetchedFile(source.name, target.stat().st_size, sha256.hexdigest())


def _announced(file: Path) -> str:
    """The digest by which the hub's cache names a file's content; empty where it does not.

    A snapshot's files are links to ``blobs/<etag>``: SHA-256 for large files, git's SHA-1 for small ones.
    """
    if not file.is_symlink():
        return ""
    name = file.readlink().name
    return name if _SHA256.fullmatch(name) or _SHA1.fullmatch(name) else ""


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _chunks(file: Path) -> Iterator[bytes]:
    with file.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            yield chunk
