"""SkillStack: teach a language model one skill after another without losing any.

>>> from skillstack import Stack
>>> stack = Stack.open()                            # doctest: +SKIP
>>> stack.predict("please block my card").label_name  # doctest: +SKIP
'freeze_account'
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from skillstack.errors import SkillStackError
    from skillstack.stack import Stack
    from skillstack.store.rows import Row

__all__ = ["Row", "SkillStackError", "Stack"]

_PLACES = {
    "Row": "skillstack.store.rows",
    "SkillStackError": "skillstack.errors",
    "Stack": "skillstack.stack",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for, so that `import skillstack` stays light."""
    if name not in _PLACES:
        raise AttributeError(f"module 'skillstack' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_PLACES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
