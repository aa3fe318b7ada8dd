"""Names of stacks, frames and skills: safe as file names on every system."""

from __future__ import annotations

import re

from skillstack.errors import UsageError

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
