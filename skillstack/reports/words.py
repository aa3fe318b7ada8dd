"""Figures and names as a report shows them, which need not be typed again or read by a program."""

from __future__ import annotations

from skillstack import wording
from skillstack.wording import Range

#: What the ways to answer are called in a sentence.
IN_WORDS = {
    "task_aware": "its own frames",
    "routed": "the routed stack",
    "latest_adapter": "the latest adapter",
    "frozen_linear": "a linear head on the frozen base",
    "majority_class": "the most frequent label",
}


def clean_line(text: str, most: int = 0) -> str:
    """The text on one line without unsafe characters, cut to this many unless that is 0."""
    line = wording.clean_line(text)
    return line if not most or len(line) <= most else f"{line[: most - 1].rstrip()}…"


def points(share: float, *, sign: bool = False) -> str:
    """``1.9``: a share, or a difference of two, in points of a hundred, with a true minus."""
    return wording.points(share, sign=sign).replace("-", "\u2212")


def between(interval: Range, *, sign: bool = False) -> str:
    """``81.6 to 84.5``."""
    return wording.between(interval, sign=sign).replace("-", "\u2212")
