"""Ways of compressing by name. A new one is a file with a ``METHOD``, and a line here."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from skillstack.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from skillstack.compression.candidates.proposal import Way

#: The only modules that a name can lead to.
_WAYS = {
    "anchor": "skillstack.compression.candidates.anchor",
    "merge": "skillstack.compression.candidates.merge",
    "rank": "skillstack.compression.candidates.rank",
    "joint": "skillstack.compression.candidates.joint",
}
#: All ways together.
AUTO = "auto"


def names() -> tuple[str, ...]:
    """All names, in the order in which a table shows them."""
    return tuple(_WAYS)


def ways(named: str) -> tuple[Way, ...]:
    """The ways of these names, or all of them for ``auto``, in the order in which a table shows them.

    :param named: a name, or several with commas between them.
    :raises UsageError: if one is none.
    """
    wanted = {name.strip().lower() for name in named.split(",")}
    for plain in sorted(wanted):
        if plain not in (*_WAYS, AUTO):
            raise UsageError(
                f"There is no way of compressing called {plain[:80]!r}.", did_you_mean(plain, [*_WAYS, AUTO])
            )
    return tuple(_way(one) for one in _WAYS if one in wanted or AUTO in wanted)


def _way(name: str) -> Way:
    found: Way = import_module(_WAYS[name]).METHOD
    return found
