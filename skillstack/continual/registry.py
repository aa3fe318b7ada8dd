"""Methods by name. A new one is a file with a ``METHOD``, and a line here."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from skillstack.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from skillstack.continual.method import Method


# The only modules that a method's name can lead to; a name from a file is looked up here and never imported.
_METHODS = {
    "skillstack": "skillstack.continual.methods.frames:METHOD",
    "sequential": "skillstack.continual.methods.sequential:METHOD",
    "independent": "skillstack.continual.methods.frames:INDEPENDENT",
    "ewc": "skillstack.continual.methods.ewc:METHOD",
    "replay": "skillstack.continual.methods.replay:METHOD",
    "joint": "skillstack.continual.methods.joint:METHOD",
    "olora": "skillstack.continual.methods.olora:METHOD",
    "frozen-linear": "skillstack.continual.methods.frozen_linear:METHOD",
    "exact-ridge": "skillstack.continual.methods.exact_ridge:METHOD",
}


def names() -> tuple[str, ...]:
    """All names, in the order in which a table shows them."""
    return tuple(_METHODS)


def check_names(wanted: Sequence[str]) -> tuple[str, ...]:
    """These names as they are known, each once; ``all`` stands for every one.

    :raises UsageError: if there is none, or one of them is unknown.
    """
    found: list[str] = []
    for name in wanted:
        plain = name.strip().lower().replace("_", "-")
        if plain == "all":
            found += names()
        elif plain in _METHODS:
            found.append(plain)
        else:
            raise UsageError(f"There is no method {name[:80]!r}.", did_you_mean(plain, _METHODS))
    if not found:
        raise UsageError("No method is named.", f"Known: {', '.join(names())}.")
    return tuple(dict.fromkeys(found))


def method(name: str) -> Method:
    """The method of this name, imported now.

    :raises UsageError: if there is none.
    """
    (known,) = check_names([name])
    module, _, name_there = _METHODS[known].partition(":")
    found: Method = getattr(import_module(module), name_there)
    return found
