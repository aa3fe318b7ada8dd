"""Archives made by hand: a good one taken apart, changed and put together again."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

from skillstack.store import canonical
from skillstack.store.bundle_reader import Imported, open_bundle, place
from skillstack.store.bundle_writer import export
from skillstack.store.canonical import sha256
from skillstack.store.store import Store

Files = dict[str, bytes]


def bring_in(path: Path, store: Store, name: str | None = None, **options: object) -> Imported:
    """Import a bundle, without a router."""
    with open_bundle(path) as (packed, contents):
        return place(
            packed,
            contents,
            packed.measured(),
            store,
            name or packed.manifest.stack,
            router={},
            note="import",
            hint="Give it another name with --as.",
            **options,  # type: ignore[arg-type]
        )


def write_bundle(store: Store, stack: str, path: Path, *, with_texts: bool = True) -> Path:
    """Export a stack, without a router."""
    export(store, stack, path, with_texts=with_texts, router={})
    return path


def unpacked(path: Path) -> Files:
    """An archive's files by their names, the manifest first."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(files: Files, path: Path, *, compression: int = zipfile.ZIP_STORED) -> Path:
    """These files as an archive, its manifest as it is."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def manifest(files: Files) -> dict[str, object]:
    """The record in the manifest."""
    return canonical.unseal(files["manifest.json"], what="manifest")


def promised(files: Files, change: Callable[[dict[str, object]], None] = lambda record: None) -> Files:
    """The files with a manifest that says what they are, changed at will: a careful forgery."""
    record = manifest(files)
    record["entries"] = [
        {"path": name, "sha256": sha256(data), "size": len(data)}
        for name, data in sorted(files.items())
        if name != "manifest.json"
    ]
    change(record)
    return {**files, "manifest.json": canonical.seal(record)}
