"""The folder of a report: it appears whole, takes an older report's place, and nothing else's."""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path

from skillstack.errors import UsageError
from skillstack.store.files import TEMPORARY, FileBatch, as_store_error, sync_folder

PAGE, TEXT, DOCUMENT = "report.html", "report.md", "report.json"
TABLES, PLOTS = "tables", "plots"
#: What file managers leave in a folder that somebody looked into.
LITTER = (".DS_Store", "Thumbs.db", "desktop.ini")
#: A larger `report.json` is not looked into.
MAX_BYTES = 64_000_000


def check_folder(folder: Path) -> None:
    """Whether a report may be written here; cheap, so that it can be asked before anything is measured.

    :raises UsageError: if something lies there that is no report.
    """
    if not folder.exists() and not folder.is_symlink():
        return
    if not folder.is_dir() or folder.is_symlink():
        raise UsageError(f"{folder} is no folder.", "Choose another one with --output.")
    if folder.resolve() == Path.cwd():
        raise UsageError("A report takes a folder of its own.", "Name one with --output, such as report.")
    strange = _strange(folder)
    if strange is not None:
        raise UsageError(
            f"{folder} holds something that is no report: {strange[:80]}.",
            "Choose another folder with --output, or move it away.",
        )


def write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Have these files in the folder, wholly or not at all; an older report makes room.

    :param files: by path inside the folder.
    :raises UsageError: as `check_folder`.
    :raises StoreError: if the disk refuses.
    """
    check_folder(folder)
    target = folder.absolute()
    building = target.with_name(f"{TEMPORARY}{uuid.uuid4().hex}")
    old = target.with_name(f"{TEMPORARY}{uuid.uuid4().hex}")
    try:
        with FileBatch() as batch:
            for name, data in files.items():
                batch.add(building / name, data)
            batch.settle()
        if target.exists():
            target.rename(old)
        try:
            building.rename(target)
        except OSError:
            if old.exists():
                old.rename(target)
            raise
        sync_folder(target.parent)
    except OSError as error:
        raise as_store_error(error, folder) from error
    finally:
        shutil.rmtree(building, ignore_errors=True)
        if target.exists():
            shutil.rmtree(old, ignore_errors=True)


def _strange(folder: Path) -> str | None:
    """The first thing in a folder that no report has; None in an empty folder and in a report."""
    entries = _entries(folder)
    if not entries:
        return None
    for entry in entries:
        if entry.name in (PAGE, TEXT, DOCUMENT) and entry.is_file():
            continue
        endings = {TABLES: (".csv",), PLOTS: (".svg", ".pdf")}.get(entry.name)
        if endings is None or not entry.is_dir() or entry.is_symlink():
            return entry.name
        for inner in _entries(entry):
            if inner.suffix not in endings or not inner.is_file():
                return f"{entry.name}/{inner.name}"
    return None if _is_report(folder / DOCUMENT) else entries[0].name


def _entries(folder: Path) -> list[Path]:
    return sorted(entry for entry in folder.iterdir() if entry.name not in LITTER)


def _is_report(path: Path) -> bool:
    try:
        if path.stat().st_size > MAX_BYTES:
            return False
        found = json.loads(path.read_text(encoding="utf-8"))
        return isinstance(found, dict) and isinstance(found.get("report"), dict)
    except (OSError, ValueError, RecursionError):
        return False
