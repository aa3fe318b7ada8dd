"""Orders in which tasks come."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

from skillstack.errors import UsageError

_RANDOM = re.compile(r"random(?::([1-9][0-9]?))?")


@dataclass(frozen=True)
class Order:
    """One order.

    :ivar name: ``forward``, ``reverse``, or ``random-1``, ``random-2``, ...
    """

    name: str

    @property
    def kind(self) -> str:
        """``forward``, ``reverse`` or ``random``; what a table takes the mean over."""
        return self.name.partition("-")[0]

    def of(self, names: Sequence[str]) -> tuple[str, ...]:
        """These names in this order; a random one depends on its number and on the names alone."""
        if self.name == "reverse":
            return tuple(reversed(names))
        if self.kind == "random":
            mixed = sorted(names)
            random.Random(self.name).shuffle(mixed)
            return tuple(mixed)
        return tuple(names)


def parse_orders(text: str) -> tuple[Order, ...]:
    """The orders of ``forward,reverse,random:3``; the last one means three random orders.

    :raises UsageError: if it is none of these.
    """
    found: list[Order] = []
    for part in (part.strip().lower() for part in text.split(",")):
        several = _RANDOM.fullmatch(part)
        if several is not None:
            found += [Order(f"random-{number + 1}") for number in range(int(several[1] or 1))]
        elif part in ("forward", "reverse"):
            found.append(Order(part))
        else:
            raise UsageError(f"There is no order {part[:80]!r}.", "Use forward, reverse or random:3.")
    return tuple(dict.fromkeys(found))
