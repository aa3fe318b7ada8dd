"""What a method needs besides time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from skillstack.frames.rows import Row


@dataclass(frozen=True)
class Cost:
    """What a method needs besides time.

    :ivar parameters: numbers that were trained, over all tasks.
    :ivar bytes: weights and statistics that have to be kept to answer all tasks and to learn the next one.
    :ivar texts: bytes of training texts that have to be kept for the same.
    :ivar steps: optimizer steps.
    :ivar rows: training rows that passed through the model in these, each as often as it did.
    """

    parameters: int = 0
    bytes: int = 0
    texts: int = 0
    steps: int = 0
    rows: int = 0


def text_bytes(rows: Iterable[Row]) -> int:
    """UTF-8 bytes of the texts of rows."""
    return sum(len(row.text.encode()) + len((row.text_pair or "").encode()) for row in rows)
