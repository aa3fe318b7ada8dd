"""Sample texts that somebody kept back when a stack was handed on, so that their absence is no damage.

A content names its samples by digest, and the digest is part of every id. Where a stack came without its
texts, a small sealed record ``samples/<digest>.withheld`` stands in their place: the router state that came
along still routes, and only fitting anew is refused.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from skillstack.errors import StoreError
from skillstack.frames import fields, sealed
from skillstack.frames.digests import is_digest

FORMAT = 1
SUFFIX = ".withheld"


def marker(relative: str) -> str | None:
    """The record that may stand in the place of a store's file, or None where nothing may.

    :param relative: path within the store.
    """
    folder, _, name = relative.partition("/")
    return f"{relative}{SUFFIX}" if folder == "samples" and is_digest(name) else None


def is_withheld(root: Path, relative: str) -> bool:
    """Whether a file of the store in this folder is not there on purpose."""
    record = marker(relative)
    return record is not None and not (root / relative).is_file() and (root / record).is_file()


def is_there(root: Path, relative: str) -> bool:
    """Whether a file of the store in this folder is there, or was kept back on purpose."""
    return (root / relative).is_file() or is_withheld(root, relative)


def to_bytes(samples: str, rows: int) -> bytes:
    """The record of a sample set of so many rows."""
    return sealed.seal({"format": FORMAT, "rows": rows, "samples": samples})


def check(data: bytes, *, what: str, samples: str) -> int:
    """The number of rows that were kept back.

    :param samples: digest of the sample set that the record must be of.
    :raises IntegrityError: if it is damaged, or of another sample set.
    :raises StoreError: if a newer version wrote it.
    """
    value: dict[str, Any] = sealed.unseal(data, what=what)
    if type(value.get("format")) is int and value["format"] > FORMAT:
        raise StoreError(f"{what} has a newer format.", "Update skillstack.")

    def read() -> int:
        fields.keys(value, {"format", "rows", "samples"})
        if value["samples"] != samples or value["format"] != FORMAT:
            raise ValueError("it belongs to other samples")
        return fields.integer(value["rows"])

    return fields.reading(what, read)


def refusal(relative: str) -> StoreError:
    """What reading withheld samples comes to."""
    return StoreError(
        f"The texts of the samples {relative.partition('/')[2][:12]} were left out when this stack was "
        "exported, so its router cannot be fitted anew.",
        "Import an archive that was made with `skillstack export --with-texts`.",
    )
