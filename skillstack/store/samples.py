"""Router samples: the rows from which routers are fitted, in one of three forms.

``text`` holds the rows. ``reference`` holds a source's name and the rows' digests, for data that ships with
the package. ``features`` holds hashed n-gram counts, for people who keep no texts; hashed features can be
partly reversed, so they hide texts from the eye and not from an effort.

Texts that a bundle left out are redacted: a small sealed record of their number lies in their place. The
router state that came along still routes, and only fitting anew is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skillstack.errors import IntegrityError, SkillStackError, StoreError
from skillstack.store import canonical, fields, tensors
from skillstack.store.canonical import check_digest, is_digest
from skillstack.store.rows import Row, check_row

FORMAT = 1
REDACTED_FORMAT = 1

#: Ending of the record in the place of redacted samples; stores are older than the word.
REDACTED_SUFFIX = ".withheld"


@dataclass(frozen=True)
class TextSamples:
    """Rows, kept as they are."""

    rows: tuple[Row, ...]

    def __len__(self) -> int:
        return len(self.rows)

    def to_bytes(self) -> bytes:
        """Canonical JSON."""
        rows = [[r.text] if r.text_pair is None else [r.text, r.text_pair] for r in self.rows]
        return canonical.dumps({"format": FORMAT, "kind": "text", "rows": rows})


@dataclass(frozen=True)
class ReferenceSamples:
    """Digests of rows that ship with the package.

    :ivar source: which shipped data, such as ``starter/banking``.
    :ivar rows: `Row.digest` of each row.
    """

    source: str
    rows: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.rows)

    def to_bytes(self) -> bytes:
        """Canonical JSON."""
        return canonical.dumps(
            {"format": FORMAT, "kind": "reference", "rows": list(self.rows), "source": self.source}
        )


@dataclass(frozen=True)
class FeatureSamples:
    """Hashed features, as the tensors that the router's feature module reads and writes."""

    arrays: Mapping[str, NDArray[np.generic]]

    def __len__(self) -> int:
        return max(0, len(self.arrays["indptr"]) - 1)

    def to_bytes(self) -> bytes:
        """Safetensors."""
        return tensors.dump(self.arrays, {"kind": "features"})


Samples = TextSamples | ReferenceSamples | FeatureSamples


def read_samples(data: bytes, *, what: str = "The sample set") -> Samples:
    """Any of the three forms, recognised by its bytes.

    :raises IntegrityError: if it is none of them.
    :raises StoreError: if a newer version wrote it.
    """
    if data[4:9] == b"\x00\x00\x00\x00{":
        return FeatureSamples(tensors.load(data, what=what))
    value = canonical.loads(data, what=what)
    if isinstance(value, dict) and type(value.get("format")) is int and value["format"] > FORMAT:
        raise StoreError(
            f"{what} has format {value['format']}; this version reads up to {FORMAT}.", "Update skillstack."
        )
    try:
        if value["format"] != FORMAT:
            raise ValueError(f"format {value['format']} is unknown")
        if not isinstance(value["rows"], list):
            raise ValueError("rows are no list")
        if value["kind"] == "text":
            return TextSamples(tuple(_row(row) for row in value["rows"]))
        if value["kind"] == "reference":
            rows = tuple(check_digest(row, "A row") for row in value["rows"])
            return ReferenceSamples(str(value["source"]), rows)
        raise ValueError(f"kind {value['kind']!r} is unknown")
    except (KeyError, TypeError, ValueError, SkillStackError) as error:
        raise IntegrityError(f"{what} is no valid sample set: {error}.", "It is damaged.") from None


def _row(row: object) -> Row:
    if not isinstance(row, list) or len(row) not in (1, 2):
        raise ValueError("a row has one text or two")
    return check_row(*row)


def redaction_path(relative: str) -> str | None:
    """The record that may stand in the place of a store's file, or None where nothing may.

    :param relative: path within the store.
    """
    folder, _, name = relative.partition("/")
    return f"{relative}{REDACTED_SUFFIX}" if folder == "samples" and is_digest(name) else None


def is_redacted(root: Path, relative: str) -> bool:
    """Whether a file of the store in this folder is not there on purpose."""
    record = redaction_path(relative)
    return record is not None and not (root / relative).is_file() and (root / record).is_file()


def is_there(root: Path, relative: str) -> bool:
    """Whether a file of the store in this folder is there, or was redacted on purpose."""
    return (root / relative).is_file() or is_redacted(root, relative)


def redaction_bytes(samples: str, rows: int) -> bytes:
    """The record of a sample set of so many rows."""
    return canonical.seal({"format": REDACTED_FORMAT, "rows": rows, "samples": samples})


def redacted_rows(data: bytes, *, what: str, samples: str) -> int:
    """The number of rows that were redacted.

    :param samples: digest of the sample set that the record must be of.
    :raises IntegrityError: if it is damaged, or of another sample set.
    :raises StoreError: if a newer version wrote it.
    """
    value: dict[str, Any] = canonical.unseal(data, what=what)
    if type(value.get("format")) is int and value["format"] > REDACTED_FORMAT:
        raise StoreError(f"{what} has a newer format.", "Update skillstack.")

    def read() -> int:
        fields.keys(value, {"format", "rows", "samples"})
        if value["samples"] != samples or value["format"] != REDACTED_FORMAT:
            raise ValueError("it belongs to other samples")
        return fields.integer(value["rows"])

    return fields.reading(what, read)


def redaction_error(relative: str) -> StoreError:
    """The error that reading redacted samples raises."""
    return StoreError(
        f"The texts of the samples {relative.partition('/')[2][:12]} were left out when this stack was "
        "exported, so its router cannot be fitted anew.",
        "Import a bundle that was made with `skillstack export --with-texts`.",
    )
