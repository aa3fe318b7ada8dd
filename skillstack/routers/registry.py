"""Routers by name."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, TypedDict

from skillstack.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from skillstack.routers.base import Router


class Routing(TypedDict, total=False):
    """How a router chooses.

    :ivar router: ``hybrid_chain`` (default) or ``hybrid_svm``.
    :ivar threshold: score from which the chain accepts; None for the calibrated one.
    :ivar depth: frames that the chain looks at; None for all.
    """

    router: str
    threshold: float | None
    depth: int | None


#: What answers where no router is named.
DEFAULT = "hybrid_chain"

# The only modules that a router's name can lead to; a name from a file is looked up here and never imported.
_ROUTERS = {
    "hybrid_chain": "skillstack.routers.hybrid_chain:HybridChain",
    "hybrid_svm": "skillstack.routers.hybrid_svm:HybridSVM",
}


def names() -> tuple[str, ...]:
    """All router names, in alphabetical order."""
    return tuple(sorted(_ROUTERS))


def router_class(name: str) -> type[Router]:
    """The class of this name, imported now.

    :raises UsageError: if there is none.
    """
    if name not in _ROUTERS:
        raise UsageError(f"There is no router {name!r}.", did_you_mean(name, _ROUTERS))
    module, _, attribute = _ROUTERS[name].partition(":")
    found: type[Router] = getattr(import_module(module), attribute)
    return found


def create(name: str, fitted: Router, *, threshold: float | None = None, depth: int | None = None) -> Router:
    """The router of this name and these options on a fitted one's state.

    :param threshold: a score above it is accepted; None for the state's own.
    :param depth: newest frames that may accept; None for all.
    :raises UsageError: if there is no such router, it has no such option, or its value is impossible.
    """
    given = {"threshold": threshold, "depth": depth}
    options = {option: value for option, value in given.items() if value is not None}
    made = router_class(name)
    foreign = sorted(set(options) - set(made.options))
    if foreign:
        raise UsageError(f"The router {name!r} has no {foreign[0]}.", f"Use {DEFAULT!r}, or leave it out.")
    return made.on(fitted, **options)
