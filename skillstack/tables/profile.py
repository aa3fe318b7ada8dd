"""What a column holds, counted in one pass over its cells; the order of the rows changes nothing."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field

#: More labels than this are no classes that a person would name.
MAX_LABELS = 1_000
#: Characters of a label.
MAX_LABEL_CHARACTERS = 200
#: Values of a column that is taken for the labels without being called so.
MAX_GUESSED_LABELS = 200


@dataclass
class Profile:
    """One column.

    :ivar name: its name.
    :ivar values: rows of each different stripped value, as long as there are at most 1,001 and none is longer
        than a label; else empty.
    :ivar filled: rows in which it is not empty.
    :ivar characters: characters of all cells.
    :ivar uncounted: whether there are too many values, or one is too long for a label.
    :ivar long: whether a value is too long for a label.
    :ivar named_within: whether its name is one of its values.
    :ivar numeric: whether all its values are numbers.
    :ivar fractional: whether one of them is a number with a fraction.
    """

    name: str
    values: Counter[str] = field(default_factory=Counter)
    filled: int = 0
    characters: int = 0
    uncounted: bool = False
    long: bool = False
    named_within: bool = False
    numeric: bool = True
    fractional: bool = False

    def add(self, cell: str) -> None:
        """Count one cell."""
        value = cell.strip()
        if not value:
            return
        self.filled += 1
        self.characters += len(value)
        if value == self.name.strip():
            self.named_within = True
        if self.numeric or self.fractional:
            self._weigh(value)
        self.long = self.long or len(value) > MAX_LABEL_CHARACTERS
        if self.uncounted:
            return
        if not self.long:
            self.values[value] += 1
        if self.long or len(self.values) > MAX_LABELS:
            self.uncounted = True
            self.values.clear()

    def _weigh(self, value: str) -> None:
        number = as_number(value)
        if number is None:
            self.numeric = self.fractional = False
        elif self.numeric and not number.is_integer():
            self.fractional = True

    @property
    def mean_length(self) -> float:
        """Characters of a cell that is not empty, on average."""
        return self.characters / self.filled if self.filled else 0.0

    @property
    def repeats(self) -> bool:
        """Whether it could hold labels: 2 to 200 values, and most rows share theirs with another row."""
        if self.uncounted or not 2 <= len(self.values) <= MAX_GUESSED_LABELS:
            return False
        shared = sum(count for count in self.values.values() if count > 1)
        return 2 * shared >= self.filled


def as_number(value: str) -> float | None:
    """The number that this text is; None if it is none, or no finite one."""
    if not (value[0].isdecimal() or value[0] in "+-.") or "_" in value:
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
