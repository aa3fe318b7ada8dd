"""What a way of merging is, and what it gets."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from skillstack.compression.deltas import Delta
from skillstack.errors import UsageError, did_you_mean

Settings = Mapping[str, float]
#: One member's update of a layer; None where the member does not adapt the layer, which counts as zero.
Parts = Sequence[Delta | None]
#: The members' updates of one layer, their weights, the settings, a seed and the layer's name, to one update.
Merge = Callable[[Parts, Sequence[float], Settings, int, str], Delta]


@dataclass(frozen=True)
class Merging:
    """A way to merge the updates of one layer.

    :ivar name: as people type it.
    :ivar title: as a table shows it.
    :ivar paper: authors, year and address.
    :ivar merge: the way itself. At least one member adapts the layer; weights are finite and may be negative.
    :ivar grid: its parameters, each with values to choose among, the default first.
    """

    name: str
    title: str
    paper: str
    merge: Merge
    grid: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    @property
    def defaults(self) -> dict[str, float]:
        """The first value of each parameter."""
        return {name: values[0] for name, values in self.grid.items()}

    def settled(self, settings: Settings | None) -> dict[str, float]:
        """These settings, with the defaults for the rest.

        :raises UsageError: if one is unknown or not finite.
        """
        for name, value in (settings or {}).items():
            if name not in self.grid:
                raise UsageError(f"{self.title} has no setting {name[:80]!r}.", did_you_mean(name, self.grid))
            if not math.isfinite(value):
                raise UsageError(f"{self.title} cannot have {name} at {value}.", "Give a finite number.")
        return {**self.defaults, **(settings or {})}


def shape_of(parts: Parts) -> tuple[int, int]:
    """Outputs and inputs of the layer."""
    return next(part.shape for part in parts if part is not None)


def present(parts: Parts, weights: Sequence[float]) -> list[tuple[int, float, Delta]]:
    """Number, weight and update of each member that counts."""
    return [
        (number, weight, part)
        for number, (part, weight) in enumerate(zip(parts, weights, strict=True))
        if part is not None and weight != 0.0
    ]


def shares(weights: Sequence[float]) -> list[float]:
    """The weights, scaled so that their sum is 1.

    :raises UsageError: if they cancel out.
    """
    whole = math.fsum(weights)
    if abs(whole) <= 1e-9 * math.fsum(map(abs, weights)):
        raise UsageError("The weights of a mean cancel out.", "Give weights whose sum is not 0.")
    return [weight / whole for weight in weights]
