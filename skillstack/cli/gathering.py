"""Options that several commands share: declared once, and handed over as one value."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any

Command = Callable[..., int]
#: What gives a command an option, or several.
Decorator = Callable[[Command], Command]


def gathering(kind: type[Any], name: str, options: Sequence[Decorator]) -> Decorator:
    """A decorator that gives a command these options; it gets them as one value of a dataclass.

    :param kind: the dataclass. Every field of it has an option of its name, here or on the command itself.
    :param name: of the command's parameter that takes the value.
    """
    fields = [field.name for field in dataclasses.fields(kind)]

    def decorate(function: Command) -> Command:
        @functools.wraps(function)
        def gathered(**given: Any) -> int:
            value = kind(**{field: given.pop(field) for field in fields})
            return function(**{name: value}, **given)

        whole: Command = gathered
        for option in reversed(options):
            whole = option(whole)
        return whole

    return decorate
