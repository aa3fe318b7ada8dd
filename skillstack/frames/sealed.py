"""Small records that are not named by their digest and carry it inside: a flipped bit shows all the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from skillstack.errors import IntegrityError
from skillstack.frames import canonical
from skillstack.frames.digests import sha256


def seal(record: Mapping[str, object]) -> bytes:
    """Canonical JSON of the record with ``sum``, the SHA-256 of the record without it.

    :raises ValueError: if the record has a field ``sum`` of its own, or no canonical form.
    """
    if "sum" in record:
        raise ValueError("a sealed record has no field 'sum' of its own")
    return canonical.dumps({**record, "sum": sha256(canonical.dumps(dict(record)))})


def unseal(data: bytes, *, what: str) -> dict[str, Any]:
    """The record inside.

    :raises IntegrityError: if the bytes are not canonical or the sum does not fit.
    """
    value = canonical.loads(data, what=what)
    if not isinstance(value, dict) or "sum" not in value:
        raise IntegrityError(f"{what} carries no checksum.", "It is damaged.")
    record = {key: item for key, item in value.items() if key != "sum"}
    if sha256(canonical.dumps(record)) != value["sum"]:
        raise IntegrityError(f"{what} does not fit its checksum.", "It is damaged.")
    return record
