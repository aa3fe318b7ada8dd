"""What a router answers with."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Generic, TypeVar, overload

T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True)
class Ranked:
    """A skill and its score."""

    skill: str
    score: float


class Ranking(Sequence[T], Generic[T]):
    """Everything that can answer a text, the best score first; of equals the older skill.

    Put in order when it is first looked at: of thousands of texts in bulk nobody looks at all rankings.

    :param names: of all skills.
    :param scores: of each; minus infinity for a skill that cannot answer, which is left out.
    :param entry: makes an entry of a name and a score.
    """

    def __init__(
        self, names: Sequence[str], scores: Sequence[float], entry: Callable[[str, float], T]
    ) -> None:
        self._names, self._scores, self._entry = names, scores, entry

    def of(self, names: Sequence[str], entry: Callable[[str, float], U]) -> Ranking[U]:
        """The same ranking under other names, one for each skill."""
        return Ranking(names, self._scores, entry)

    @cached_property
    def _entries(self) -> tuple[T, ...]:
        order = sorted(range(len(self._scores)), key=lambda skill: -self._scores[skill])
        return tuple(
            self._entry(self._names[skill], self._scores[skill])
            for skill in order
            if not math.isinf(self._scores[skill])
        )

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[T]:
        return iter(self._entries)

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[T, ...]: ...
    def __getitem__(self, index: int | slice) -> T | tuple[T, ...]:
        return self._entries[index]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(self._entries)

    def __repr__(self) -> str:
        return repr(self._entries)


@dataclass(frozen=True)
class RouteResult:
    """Which skill answers a text.

    :ivar skill: its name; None for a rejected text.
    :ivar score: its score.
    :ivar confidence: probability of the skill, from a softmax over all scores.
    :ivar calibrated: whether the softmax's temperature was fitted on out-of-fold scores.
    :ivar accepted: whether the score reached the router's threshold.
    :ivar fallback: whether none did, and the best of all was taken.
    :ivar depth: frames looked at.
    :ivar router: name of the router.
    :ivar ranking: all skills that can answer, the best score first.
    """

    skill: str | None
    score: float
    confidence: float
    calibrated: bool
    accepted: bool
    fallback: bool
    depth: int
    router: str
    ranking: Ranking[Ranked]
