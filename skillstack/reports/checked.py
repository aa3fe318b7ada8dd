"""Figures of a document that somebody may have written by hand: each is checked before it is shown."""

from __future__ import annotations

import math
from typing import Any

from skillstack.evaluation.intervals import Interval


def figure(value: Any, low: float = 0.0, high: float = 1.0) -> float:
    """A number in these bounds.

    :raises ValueError: if it is none.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError("a number is missing")
    if not low <= value <= high:  # true of what is not a number, too
        raise ValueError("a number is out of its bounds")
    return float(value)


def difference(value: Any, scale: float = 1.0) -> float:
    """A difference of two shares, -1 to 1.

    :param scale: 100 where the document has points.
    :raises ValueError: if it is none.
    """
    return figure(value, -scale, scale) / scale


def interval(value: Any, scale: float = 1.0) -> Interval:
    """An interval of such a difference.

    :raises ValueError: if it is none.
    """
    low, high = (difference(end, scale) for end in value)
    if low > high:
        raise ValueError("the ends of an interval are swapped")
    return Interval(low, high)


def whole(value: Any, least: int = 0) -> int:
    """A whole number from this one on.

    :raises ValueError: if it is none.
    """
    if isinstance(value, float) or not math.isfinite(figure(value, least, 1e15)):
        raise ValueError("a whole number is missing")
    return int(value)


def name(value: Any) -> str:
    """Words.

    :raises ValueError: if there are none.
    """
    if not isinstance(value, str) or not value.strip():
        raise ValueError("a name is missing")
    return value


def flag(value: Any) -> bool:
    """Yes or no.

    :raises ValueError: if it is neither.
    """
    if not isinstance(value, bool):
        raise ValueError("yes or no is missing")
    return value
