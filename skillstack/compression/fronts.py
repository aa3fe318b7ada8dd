"""One option for each of several families, so that all fit into so many bytes at the least loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Loss:
    """How bad an option is; losses of several families add up.

    :ivar doubt: minus the logarithm of the chance that the guard lets all skills pass.
    :ivar accuracy: accuracy lost, summed over skills.
    """

    doubt: float
    accuracy: float

    def __add__(self, other: Loss) -> Loss:
        return Loss(self.doubt + other.doubt, self.accuracy + other.accuracy)


def cheapest(options: Sequence[Sequence[tuple[int, Loss]]], target: int) -> tuple[int, ...] | None:
    """The numbers of the options, one of each family; None if nothing fits.

    The multiple-choice knapsack problem, exactly: of partial choices only those stay that no other beats in
    both bytes and loss (Nemhauser & Ullmann 1969, https://doi.org/10.1287/mnsc.15.9.494).

    :param options: of each family, bytes and loss of what can become of it.
    :param target: bytes that all may have together.
    """
    front: list[tuple[int, Loss, tuple[int, ...]]] = [(0, Loss(0.0, 0.0), ())]
    for family in options:
        longer = [
            (size + bytes_, loss + more, (*numbers, number))
            for size, loss, numbers in front
            for number, (bytes_, more) in enumerate(family)
            if size + bytes_ <= target
        ]
        front = []
        for option in sorted(longer):
            if not front or option[1] < front[-1][1]:
                front.append(option)
    return front[-1][2] if front else None


def smallest(options: Sequence[Sequence[tuple[int, Loss]]]) -> int:
    """Bytes of all families at the least."""
    return sum(min(size for size, _ in family) for family in options)
