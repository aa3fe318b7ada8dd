"""Names, and reading the fields of a JSON record: exactly those that are expected, each of its own type.

A reader raises `ValueError` for any other value; `reading` makes an `IntegrityError` of it.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from skillstack.errors import IntegrityError, StoreError, UsageError
from skillstack.store.canonical import check_digest

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")

# Windows reserves these, with any extension.
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?")


def is_name(value: object) -> bool:
    """Whether this may name a stack, frame or skill."""
    return (
        isinstance(value, str)
        and _NAME.fullmatch(value) is not None
        and _RESERVED.fullmatch(value) is None
        and not value.endswith(".")
    )


def check_name(value: str, what: str) -> str:
    """This name, if it is one.

    :raises UsageError: if it has path parts, capitals or other characters, or is reserved on Windows.
    """
    if not is_name(value):
        raise UsageError(
            f"{what} {value[:80]!r} is no valid name.",
            "Use 1 to 64 of a-z, 0-9, '.', '_' and '-', starting with a letter or digit; "
            "names that Windows reserves, such as 'con', do not work.",
        )
    return value


T = TypeVar("T")
Json = dict[str, Any]


def plain(record: Any) -> Any:
    """A dataclass as dicts and lists, for canonical JSON."""
    if dataclasses.is_dataclass(record) and not isinstance(record, type):
        return {f.name: plain(getattr(record, f.name)) for f in dataclasses.fields(record)}
    if isinstance(record, Mapping):
        return {key: plain(value) for key, value in record.items()}
    if isinstance(record, (list, tuple)):
        return [plain(value) for value in record]
    return record


def reading(what: str, read: Callable[[], T]) -> T:
    """What ``read`` returns, with its errors as one that names the record.

    :raises IntegrityError: if a field is missing, unknown or of another type.
    """
    try:
        return read()
    except (KeyError, TypeError, ValueError) as error:
        raise IntegrityError(f"{what} is no valid record: {error}.", "It is damaged.") from None


def keys(value: object, expected: set[str]) -> Json:
    """An object with exactly these fields."""
    if not isinstance(value, dict) or set(value) != expected:
        raise ValueError(f"fields {sorted(expected)} expected")
    return value


def fields_of(cls: type, value: object) -> Json:
    """An object with exactly the fields of a dataclass."""
    return keys(value, {f.name for f in dataclasses.fields(cls)})


def string(value: object) -> str:
    """A string of at most 65,536 characters."""
    if not isinstance(value, str) or len(value) > 65536:
        raise ValueError("a string expected")
    return value


def integer(value: object) -> int:
    """A whole number that is not negative."""
    if type(value) is not int or value < 0:
        raise ValueError("a whole number expected")
    return value


def boolean(value: object) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise ValueError("true or false expected")
    return value


def name(value: object) -> str:
    """A name that is safe as a file name."""
    if not is_name(value):
        raise ValueError(f"{str(value)[:80]!r} is no valid name")
    return str(value)


def digest(value: object) -> str:
    """A SHA-256 digest.

    :raises IntegrityError: if it is none.
    """
    return check_digest(value, "A reference")


def optional(value: object, read: Callable[[object], T]) -> T | None:
    """None, or what the reader makes of the value."""
    return None if value is None else read(value)


def sequence(value: object, read: Callable[[object], T]) -> tuple[T, ...]:
    """A list, each item read alike."""
    if not isinstance(value, list):
        raise ValueError("a list expected")
    return tuple(read(item) for item in value)


def mapping(value: object, read: Callable[[object], T]) -> dict[str, T]:
    """An object with free keys, each value read alike."""
    if not isinstance(value, dict):
        raise ValueError("an object expected")
    return {key: read(item) for key, item in value.items()}


def one_of(value: object, known: tuple[str, ...]) -> str:
    """One of the known strings."""
    if value not in known:
        raise ValueError(f"one of {', '.join(known)} expected, found {str(value)[:80]!r}")
    return str(value)


def versioned(value: object, newest: int, what: str) -> Json:
    """The other fields of an object whose ``format`` this version reads.

    :param newest: the highest number that is read.
    :raises IntegrityError: if there is no format, or an impossible one.
    :raises StoreError: if a newer version wrote it.
    """
    if not isinstance(value, dict) or type(value.get("format")) is not int:
        raise IntegrityError(f"{what} has no format version.", "It is damaged.")
    if value["format"] > newest:
        raise StoreError(
            f"{what} has format {value['format']}; this version reads up to {newest}.", "Update skillstack."
        )
    if value["format"] < 1:
        raise IntegrityError(f"{what} has the impossible format {value['format']}.", "It is damaged.")
    return {key: item for key, item in value.items() if key != "format"}
