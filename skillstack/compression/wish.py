"""What is asked of a compression."""

from __future__ import annotations

from dataclasses import dataclass, field

from skillstack.compression.candidates.registry import AUTO
from skillstack.compression.terms import Terms
from skillstack.errors import UsageError


@dataclass(frozen=True)
class Wish:
    """A family that is to become smaller, or a stack that is to fit into so many bytes.

    :ivar family: whose frames; None for the whole stack.
    :ivar method: ways of compressing with commas between them, or ``auto`` for all.
    :ivar target: bytes that the stack's adapters may have: a number, or below 1 a share of today's.
    :ivar candidate: name of the candidate to take; None for the plan's choice.
    :ivar terms: what the guard holds it to.
    :ivar without: frames of the family that stay as they are.
    """

    family: str | None
    method: str = AUTO
    target: float | None = None
    candidate: str | None = None
    terms: Terms = field(default_factory=Terms)
    without: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """See that it says what is to be done.

        :raises UsageError: if it says nothing, both or nonsense.
        """
        if (self.family is None) == (self.target is None):
            raise UsageError(
                "Name a family, or the bytes that the whole stack may have: one of the two.",
                "For example --family sentiment, or --target-bytes 25%.",
            )
        if self.without and self.family is None:
            raise UsageError(
                "A frame can stay as it is where a family is compressed.",
                f"For example --family sentiment --without {self.without[0]}.",
            )
        if self.target is not None and not 0 < self.target < float("inf"):
            raise UsageError(
                f"A target of {self.target} bytes means nothing.", "Give 250kB, 1.5MB, 250000 or 25%."
            )

    @property
    def note(self) -> str:
        """How a history names it."""
        if self.family is not None:
            kept = f" --without {','.join(self.without)}" if self.without else ""
            return f"compress --family {self.family}{kept}"
        target = self.target or 0.0
        return f"compress --target-bytes {f'{100 * target:g}%' if target < 1 else f'{target:.0f}'}"
