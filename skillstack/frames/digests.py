"""SHA-256 digests, the names of everything that the store keeps."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from skillstack.errors import IntegrityError

_DIGEST = re.compile(r"[0-9a-f]{64}")
_CHUNK = 1 << 20


def sha256(data: bytes) -> str:
    """The digest of these bytes, 64 lower-case hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    """The digest of a file's bytes, read in pieces of one mebibyte."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def is_digest(value: object) -> bool:
    """Whether this is a string of 64 lower-case hexadecimal digits."""
    return isinstance(value, str) and _DIGEST.fullmatch(value) is not None


def check_digest(value: object, what: str) -> str:
    """This value, if it is a digest.

    Ids become file names, so nothing else may get past this point.

    :raises IntegrityError: if it is not one.
    """
    if not is_digest(value):
        raise IntegrityError(f"{what} is no SHA-256 digest: {str(value)[:80]!r}.", "The record is damaged.")
    return str(value)
