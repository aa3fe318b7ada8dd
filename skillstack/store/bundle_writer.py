"""A stack in one file: a zip archive whose bytes follow from what is in it and from nothing else.

Entries are stored, not deflated: compressors differ between versions and would give other bytes, and weights
hardly shrink. The manifest comes first, the rest in order of their names, all of one date and mode.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from skillstack.errors import IntegrityError, StoreError, UsageError
from skillstack.store.bundle import MANIFEST, BundleFile, Entry, Manifest, bundle_contents, measurements
from skillstack.store.canonical import sha256, sha256_file
from skillstack.store.files import as_store_error, writing
from skillstack.store.store import Store

#: The earliest date that a zip archive can hold.
_DATE = (1980, 1, 1, 0, 0, 0)
_MODE = 0o100644 << 16
_UNIX = 3

#: How a file that we wrote begins: a local header, and 26 bytes later the manifest's name.
_MAGIC = b"PK\x03\x04"


@dataclass(frozen=True)
class Exported:
    """A bundle that was written.

    :ivar path: where it lies.
    :ivar stack: the stack in it.
    :ivar tip: id of its newest node.
    :ivar frames: how many frames it holds.
    :ivar files: how many files, the manifest among them.
    :ivar bytes: its size.
    :ivar sha256: its digest.
    :ivar texts: rows of sample texts in it.
    :ivar redacted: rows of sample texts that were left out.
    :ivar router: whether the router's state is in it.
    """

    path: Path
    stack: str
    tip: str
    frames: int
    files: int
    bytes: int
    sha256: str
    texts: int
    redacted: int
    router: bool


def export(
    store: Store, stack: str, path: Path, *, with_texts: bool = False, router: Mapping[str, bytes]
) -> Exported:
    """Write a stack into one file. Every file of the store is checked while it is read.

    :param with_texts: whether the sample texts go along.
    :param router: the files of the router's state by their names, or nothing.
    :raises UsageError: if the stack is empty, or something else lies at the path.
    :raises IntegrityError: if a file of the stack is missing or altered.
    :raises StoreError: if the disk refuses.
    """
    tip = store.tip(stack)
    if tip is None:
        raise UsageError(f"The stack {stack!r} has no frames.", "There is nothing to export.")
    _check_target(path)
    contents = bundle_contents(store, tip, with_texts=with_texts)
    items = sorted((*contents.items, *measurements(store, contents)), key=lambda item: item.path)
    entries = [Entry(item.path, item.digest, _size(store, item)) for item in items]
    entries += [Entry(f"router/{name}", sha256(data), len(data)) for name, data in router.items()]
    entries.sort(key=lambda entry: entry.path)
    redacted = tuple(sorted(contents.redacted, key=lambda t: t.digest))
    record = Manifest(stack, tip, tuple(entries), redacted, contents.format)
    try:
        with writing(path) as file:
            _write(file, store, record, router)
        size, digest = path.stat().st_size, sha256_file(path)
    except OSError as error:
        raise as_store_error(error, path) from error
    return Exported(
        path=path,
        stack=stack,
        tip=tip,
        frames=len(contents.chain),
        files=len(entries) + 1,
        bytes=size,
        sha256=digest,
        texts=sum(texts.rows for texts in contents.texts),
        redacted=sum(texts.rows for texts in contents.redacted),
        router=bool(router),
    )


def _write(file: BinaryIO, store: Store, record: Manifest, router: Mapping[str, bytes]) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        _add(archive, MANIFEST, record.to_bytes())
        for entry in record.entries:
            folder, _, name = entry.path.partition("/")
            if folder == "router":
                _add(archive, entry.path, router[name])
            else:
                _add(archive, entry.path, store.read_checked(entry.path, entry.sha256))


def _add(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    info = zipfile.ZipInfo(name, _DATE)
    # What zipfile would take from the system that it runs on.
    info.create_system, info.external_attr, info.compress_type = _UNIX, _MODE, zipfile.ZIP_STORED
    archive.writestr(info, data)


def _size(store: Store, item: BundleFile) -> int:
    try:
        return (store.root / item.path).stat().st_size
    except OSError:
        raise IntegrityError(
            f"{store.root / item.path} is missing.", "Run `skillstack verify` to see what else is."
        ) from None


def _check_target(path: Path) -> None:
    """Only a bundle of a stack is overwritten."""
    if path.is_dir():
        raise UsageError(f"{path} is a folder.", "Name the file to write, such as stack.zip.")
    try:
        with path.open("rb") as file:
            start = file.read(30 + len(MANIFEST))
    except FileNotFoundError:
        return
    except OSError as error:
        raise as_store_error(error, path, "read") from error
    if not (start.startswith(_MAGIC) and start.endswith(MANIFEST.encode())):
        raise StoreError(
            f"{path} exists and is no bundle of a stack.", "Choose another name, or move it away."
        )
