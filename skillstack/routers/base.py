"""What decides a router's fit, beside its samples."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import ClassVar, Generic, Protocol, Self, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from skillstack.errors import UsageError
from skillstack.routers.features import HashedRows
from skillstack.store.rows import Row


@dataclass(frozen=True)
class Parameters:
    """Settings of the fit, as strings and integers because they are part of a digest.

    The values were chosen by out-of-fold accuracy on training rows of two eight-task stacks.

    :ivar c: inverse strength of the support vector machine's regularisation.
    :ivar words: weight of the block of word n-grams; the block of character n-grams has 1.
    :ivar flags: weight of each flag (second text, line breaks).
    :ivar folds: parts for the out-of-fold scores.
    :ivar many: rows from which three parts do, as two thirds of them teach almost what four fifths would.
    :ivar seed: random state of the solver.
    """

    c: str = "0.5"
    words: str = "0.7"
    flags: str = "0.8"
    folds: int = 5
    many: int = 4096
    seed: int = 0

    def parts(self, rows: int) -> int:
        """Parts for the out-of-fold scores of this many rows."""
        return self.folds if rows < self.many else min(self.folds, 3)

    def to_json(self) -> dict[str, object]:
        """By name."""
        return asdict(self)


@dataclass(frozen=True)
class SkillSamples:
    """The sample rows of one skill.

    :ivar skill: its name.
    :ivar frame: position of its frame in the stack, 0 for the oldest; skills of one frame share it.
    :ivar rows: the hashed rows, at least one.
    """

    skill: str
    frame: int
    rows: HashedRows


def check_samples(samples: Sequence[SkillSamples]) -> tuple[SkillSamples, ...]:
    """These samples, if they stand in stack order, oldest to newest, with names of their own and rows.

    :raises UsageError: if there are none, a name occurs twice, a skill has no rows, or the order is wrong.
    """
    if not samples:
        raise UsageError("A router needs at least one skill.", "Train a frame first.")
    names = [s.skill for s in samples]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(f"The skill {twice[0]!r} occurs twice.", "Give each skill a name of its own.")
    empty = [s.skill for s in samples if not len(s.rows)]
    if empty:
        raise UsageError(f"The skill {empty[0]!r} has no router samples.", "Keep at least one row per skill.")
    frames = [s.frame for s in samples]
    if frames != sorted(frames) or frames[0] < 0:
        raise UsageError("The skills are not in stack order.", "Give the oldest frame first.")
    return tuple(samples)


@dataclass(frozen=True, eq=False)
class Scores:
    """Scores of rows, before a frame is chosen.

    :ivar values: float32 ``[rows, skills]``; minus infinity for a skill that cannot read the row.
    :ivar skills: names, in stack order.
    :ivar frames: of each skill, its frame's position in the stack, 0 for the oldest.
    :ivar threshold: score above which the chain accepts a frame.
    """

    values: NDArray[np.float32]
    skills: tuple[str, ...]
    frames: tuple[int, ...]
    threshold: float


T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True)
class SkillScore:
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
    ranking: Ranking[SkillScore]


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
