"""What every router can do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from skillstack.frames.rows import Row
from skillstack.routers.result import RouteResult
from skillstack.routers.samples import SkillSamples


class Router(Protocol):
    """Decides which skill answers a row. Routers do not change; `add` and `remove` give new ones.

    :cvar name: what it is called on the command line.
    :cvar options: names of the options that it is made with, beside its state.
    """

    name: ClassVar[str]
    options: ClassVar[tuple[str, ...]]

    @property
    def skills(self) -> tuple[str, ...]:
        """Names of the skills in stack order, oldest to newest."""
        ...

    @classmethod
    def fit(cls, samples: Sequence[SkillSamples]) -> Self:
        """A router of these skills, given in stack order."""
        ...

    def add(self, samples: SkillSamples) -> Self:
        """A router that knows one more skill, fitted anew with the samples kept."""
        ...

    def remove(self, skill: str) -> Self:
        """A router that knows one skill less, fitted anew from the samples kept."""
        ...

    def scores(self, rows: Sequence[Row]) -> NDArray[np.float32]:
        """A score per row and skill, float32 [rows, skills]; the higher, the likelier."""
        ...

    def route(self, rows: Sequence[Row]) -> list[RouteResult]:
        """The choice for each row."""
        ...

    def decide(self, scores: NDArray[np.float32]) -> list[RouteResult]:
        """The choice for each row of float32 scores [rows, skills]."""
        ...
