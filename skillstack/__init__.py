"""SkillStack: teach a language model one skill after another without losing any.

>>> from skillstack import Stack
>>> stack = Stack.open()                            # doctest: +SKIP
>>> stack.predict("please block my card").label_name  # doctest: +SKIP
'freeze_account'
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from skillstack.compression.results import Compressed
    from skillstack.data.memory import TableOptions
    from skillstack.errors import (
        InputError,
        IntegrityError,
        MismatchError,
        MissingError,
        SkillStackError,
        StoreError,
        UsageError,
    )
    from skillstack.evaluation.result import Evaluation
    from skillstack.library import Library, StackInfo
    from skillstack.results import Agreement, CanaryCheck, Frame, Predicted, Route
    from skillstack.stack import Learned, Stack, Trained
    from skillstack.store.rows import Row
    from skillstack.training.options import MergeOptions, RunOptions
    from skillstack.training.recipe import Recipe

__all__ = [
    "Agreement",
    "CanaryCheck",
    "Compressed",
    "Evaluation",
    "Frame",
    "InputError",
    "IntegrityError",
    "Learned",
    "Library",
    "MergeOptions",
    "MismatchError",
    "MissingError",
    "Predicted",
    "Recipe",
    "Route",
    "Row",
    "RunOptions",
    "SkillStackError",
    "Stack",
    "StackInfo",
    "StoreError",
    "TableOptions",
    "Trained",
    "UsageError",
]

#: Where a public name is. Each module is imported when one of its names is first asked for.
_PLACES = {
    "Agreement": "skillstack.results",
    "CanaryCheck": "skillstack.results",
    "Compressed": "skillstack.compression.results",
    "Evaluation": "skillstack.evaluation.result",
    "Frame": "skillstack.results",
    "InputError": "skillstack.errors",
    "IntegrityError": "skillstack.errors",
    "Learned": "skillstack.stack",
    "Library": "skillstack.library",
    "MergeOptions": "skillstack.training.options",
    "MismatchError": "skillstack.errors",
    "MissingError": "skillstack.errors",
    "Predicted": "skillstack.results",
    "Recipe": "skillstack.training.recipe",
    "Route": "skillstack.results",
    "Row": "skillstack.store.rows",
    "RunOptions": "skillstack.training.options",
    "SkillStackError": "skillstack.errors",
    "Stack": "skillstack.stack",
    "StackInfo": "skillstack.library",
    "StoreError": "skillstack.errors",
    "TableOptions": "skillstack.data.memory",
    "Trained": "skillstack.stack",
    "UsageError": "skillstack.errors",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for, so that `import skillstack` stays light."""
    if name == "__version__":
        from importlib.metadata import version

        return version("skillstack")
    if name not in _PLACES:
        raise AttributeError(f"module 'skillstack' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_PLACES[name]), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
