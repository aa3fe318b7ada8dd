"""The few errors that SkillStack raises on purpose.

Each carries one sentence of what is wrong and one of what to do next. Only the command line
turns them into text and an exit status.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from importlib.util import find_spec


class SkillStackError(Exception):
    """What every error of this package derives from.

    :param message: one sentence of what is wrong.
    :param hint: one sentence of what to do next; may be empty.
    """

    exit_status = 3

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class UsageError(SkillStackError):
    """A name, option or combination that cannot be meant: an unknown task, preset, stack or frame."""

    exit_status = 2


class InputError(SkillStackError):
    """A text, row or task folder that cannot be used."""


class StoreError(SkillStackError):
    """The store cannot be found, read, written or understood."""


class IntegrityError(StoreError):
    """A file of the store is missing, or its bytes are not those that its digest promises."""


class BusyError(StoreError):
    """Another process holds the lock."""


class MismatchError(SkillStackError):
    """An adapter, head or router meets a base, precision or shape that it was not made for."""


class MissingError(SkillStackError):
    """This machine lacks something: a package, a device, a model file."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A hint that names the closest known names, or all of them when none is close."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.6)
    if close:
        return f"Did you mean {' or '.join(repr(c) for c in close)}?"
    if names:
        return f"Known: {', '.join(names[:40])}{', ...' if len(names) > 40 else '.'}"
    return "There are none yet."


def require_extra(extra: str, what: str, *packages: str) -> None:
    """See that optional packages are here, before time is spent on what needs them.

    :param extra: the part of the package that brings them.
    :param what: what needs them, as a sentence begins.
    :raises MissingError: if one is not installed; the hint installs it.
    """
    missing = [package for package in packages if find_spec(package) is None]
    if missing:
        words = f"the package{'s' if len(missing) > 1 else ''} {' and '.join(missing)}"
        raise MissingError(f"{what} needs {words}.", f"Run: pip install 'skillstack[{extra}]'")
