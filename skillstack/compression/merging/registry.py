"""Ways of merging by name. A new one is a file with a ``METHOD``, and a line here."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from skillstack.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from skillstack.compression.merging.method import Merging

# The only modules that a name can lead to; a name from a file is looked up here and never imported.
_METHODS = {
    "linear": "skillstack.compression.merging.linear",
    "task-arithmetic": "skillstack.compression.merging.task_arithmetic",
    "ties": "skillstack.compression.merging.ties",
    "dare": "skillstack.compression.merging.dare",
    "knots": "skillstack.compression.merging.knots",
    "tsv": "skillstack.compression.merging.tsv",
}


def names() -> tuple[str, ...]:
    """All names, in the order in which a table shows them."""
    return tuple(_METHODS)


def merging(name: str) -> Merging:
    """The way of merging of this name, imported now; hyphens may be underscores.

    :raises UsageError: if there is none.
    """
    plain = name.strip().lower().replace("_", "-")
    if plain not in _METHODS:
        raise UsageError(f"There is no way of merging called {name[:80]!r}.", did_you_mean(plain, _METHODS))
    found: Merging = import_module(_METHODS[plain]).METHOD
    return found
