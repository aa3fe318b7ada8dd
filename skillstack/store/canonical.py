"""Canonical JSON (RFC 8785) and SHA-256 digests: equal records are equal bytes, and `sha256sum` checks an id.

Numbers are integers only: RFC 8785 writes floats as ECMAScript does, and a measurement has no place in an
id. Accuracy is kept as *correct* and *n*, a learning rate as a decimal string.

Small records that are not named by their digest are sealed: they carry it inside.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

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


#: Integers beyond this lose digits in readers that hold numbers as IEEE 754 doubles (RFC 8785, 3.2.2.3).
MAX_INTEGER = 2**53 - 1
MAX_DEPTH = 32


def dumps(value: object) -> bytes:
    """The RFC 8785 bytes of a value of dicts, lists, tuples, strings, integers, booleans and None.

    :raises ValueError: for floats, integers beyond 2**53 - 1, keys that are no strings, lone surrogates,
        nesting deeper than 32, and any other type.
    """
    parts: list[str] = []
    _write(value, parts, 0)
    try:
        return "".join(parts).encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError(f"a string holds a lone surrogate: {error.reason}") from None


def _write(value: object, parts: list[str], depth: int) -> None:
    if depth > MAX_DEPTH:
        raise ValueError(f"nested deeper than {MAX_DEPTH}")
    if value is None:
        parts.append("null")
    elif isinstance(value, bool):
        parts.append("true" if value else "false")
    elif isinstance(value, int):
        if abs(value) > MAX_INTEGER:
            raise ValueError(f"integer out of range: {value}")
        parts.append(str(value))
    elif isinstance(value, str):
        parts.append(_string(value))
    elif isinstance(value, (list, tuple)):
        parts.append("[")
        for index, item in enumerate(value):
            if index:
                parts.append(",")
            _write(item, parts, depth + 1)
        parts.append("]")
    elif isinstance(value, dict):
        parts.append("{")
        for index, key in enumerate(sorted(value, key=_utf16)):
            if index:
                parts.append(",")
            parts.append(_string(key))
            parts.append(":")
            _write(value[key], parts, depth + 1)
        parts.append("}")
    else:
        raise ValueError(f"no canonical form for {type(value).__name__}")


def _utf16(key: object) -> bytes:
    if not isinstance(key, str):
        raise ValueError(f"a key is no string: {key!r}")
    # RFC 8785, 3.2.3: keys are ordered by their UTF-16 code units, not by code points.
    return key.encode("utf-16-be", "surrogatepass")


def _string(text: str) -> str:
    # json.dumps without ASCII escaping writes exactly the escapes of RFC 8785, 3.2.2.2:
    # \b \t \n \f \r \" \\ and lower-case \u00xx for the other control characters.
    return json.dumps(text, ensure_ascii=False)


def loads(data: bytes, *, what: str = "The record") -> Any:
    """The value of canonical bytes.

    :param what: names the thing in the error.
    :raises IntegrityError: if the bytes are not UTF-8, not JSON, or not in canonical form (which also
        rules out duplicate keys, floats and trailing blanks).
    """
    try:
        value = json.loads(data.decode("utf-8"), parse_float=_refuse, parse_constant=_refuse)
        canonical = dumps(value)
    except (ValueError, RecursionError) as error:
        raise IntegrityError(f"{what} is no canonical JSON: {error}.", "It is damaged.") from None
    if canonical != data:
        raise IntegrityError(f"{what} is not in canonical form.", "It was altered after it was written.")
    return value


def _refuse(number: str) -> object:
    raise ValueError(f"the number {number[:40]} is no integer")


def seal(record: Mapping[str, object]) -> bytes:
    """Canonical JSON of the record with ``sum``, the SHA-256 of the record without it.

    :raises ValueError: if the record has a field ``sum`` of its own, or no canonical form.
    """
    if "sum" in record:
        raise ValueError("a sealed record has no field 'sum' of its own")
    return dumps({**record, "sum": sha256(dumps(dict(record)))})


def unseal(data: bytes, *, what: str) -> dict[str, Any]:
    """The record inside.

    :raises IntegrityError: if the bytes are not canonical or the sum does not fit.
    """
    value = loads(data, what=what)
    if not isinstance(value, dict) or "sum" not in value:
        raise IntegrityError(f"{what} carries no checksum.", "It is damaged.")
    record = {key: item for key, item in value.items() if key != "sum"}
    if sha256(dumps(record)) != value["sum"]:
        raise IntegrityError(f"{what} does not fit its checksum.", "It is damaged.")
    return record
