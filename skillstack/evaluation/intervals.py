"""Intervals of accuracies, and figures as JSON holds them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

from skillstack.store.records import Count

#: Digits of a share that JSON keeps.
DIGITS = 6


@dataclass(frozen=True)
class Interval:
    """A range of accuracies, 0 to 1, or of differences between two, -1 to 1.

    :ivar low: its lower end.
    :ivar high: its upper end.
    """

    low: float
    high: float

    def to_json(self) -> list[float]:
        """Both ends, rounded."""
        return [round(self.low, DIGITS), round(self.high, DIGITS)]


def rounded(value: Any) -> Any:
    """The same value with every float in it rounded to six digits, and with lists for tuples."""
    if isinstance(value, float):
        return round(value, DIGITS)
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(item) for item in value]
    return value


def wilson(count: Count, level: float = 0.95) -> Interval:
    """The score interval of a proportion; all of 0 to 1 where nothing was measured.

    Wilson 1927, Probable inference, the law of succession, and statistical inference, JASA 22. Unlike the
    normal approximation it holds for few rows and for accuracies near 0 and 1.

    :param level: how often such an interval holds the true accuracy, between 0 and 1.
    """
    if count.n == 0:
        return Interval(0.0, 1.0)
    z = NormalDist().inv_cdf((1 + level) / 2)
    share, n = count.correct / count.n, count.n
    centre = share + z * z / (2 * n)
    spread = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    low = 0.0 if count.correct == 0 else (centre - spread) / scale
    high = 1.0 if count.correct == n else (centre + spread) / scale
    return Interval(low, high)
