"""The router `hybrid_svm`: a linear support vector machine on words and characters; the best score wins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from skillstack.errors import UsageError, did_you_mean
from skillstack.routers.base import Parameters, Ranking, RouteResult, SkillSamples, SkillScore
from skillstack.routers.calibration import Choices, probabilities
from skillstack.routers.features import hash_rows
from skillstack.routers.state import RouterState, fit_state
from skillstack.store.rows import Row

# Rows hashed and scored at once: memory stays flat however many are given.
_BATCH = 4096


class HybridSVM:
    """Scores of a fitted state, and the best of them.

    :param state: a fitted state.
    :param samples: what it was fitted on, needed for `add` and `remove` alone.
    :param parameters: of the fit, likewise.
    """

    name: ClassVar[str] = "hybrid_svm"
    options: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self,
        state: RouterState,
        *,
        samples: Sequence[SkillSamples] | None = None,
        parameters: Parameters | None = None,
    ) -> None:
        self.state = state
        self.samples = None if samples is None else tuple(samples)
        self.parameters = parameters or Parameters()

    @classmethod
    def fit(cls, samples: Sequence[SkillSamples], parameters: Parameters | None = None) -> Self:
        """Fit a router of these skills, oldest to newest.

        :raises UsageError: if there are no samples, a name occurs twice, or the order is not a stack's.
        """
        return cls(fit_state(samples, parameters), samples=samples, parameters=parameters)

    @property
    def skills(self) -> tuple[str, ...]:
        """Names of the skills, oldest to newest."""
        return self.state.skills

    def add(self, samples: SkillSamples) -> Self:
        """A router that knows one more skill, put after those of its frame and of older ones.

        :raises UsageError: if the name is taken, or this router was loaded without its samples.
        """
        return self._again(sorted((*self._kept(), samples), key=lambda s: s.frame))

    def remove(self, skill: str) -> Self:
        """A router that knows one skill less.

        :raises UsageError: if there is no such skill, it is the last, or the samples are not at hand.
        """
        if skill not in self.skills:
            raise UsageError(f"The router knows no skill {skill!r}.", did_you_mean(skill, self.skills))
        return self._again([s for s in self._kept() if s.skill != skill])

    def scores(self, rows: Sequence[Row]) -> NDArray[np.float32]:
        """A score per row and skill, float32 [rows, skills]; 0 separates a skill from the rest."""
        parts = [
            self.state.model.scores(hash_rows(rows[start : start + _BATCH]))
            for start in range(0, len(rows), _BATCH)
        ]
        return np.concatenate(parts) if parts else np.zeros((0, len(self.skills)), np.float32)

    def route(self, rows: Sequence[Row]) -> list[RouteResult]:
        """The choice for each row."""
        return self.decide(self.scores(rows))

    def decide(self, scores: NDArray[np.float32]) -> list[RouteResult]:
        """The choice for each row of float32 scores [rows, skills]; minus infinity bars a skill."""
        choices = self._choices(scores)
        calibration = self.state.calibration
        confident = probabilities(scores, calibration.temperature)
        return [
            RouteResult(
                skill=self.skills[skill],
                score=values[skill],
                confidence=float(confidence[skill]),
                calibrated=calibration.calibrated,
                accepted=accepted,
                fallback=not accepted,
                depth=depth,
                router=self.name,
                ranking=Ranking(self.skills, values, SkillScore),
            )
            for skill, accepted, depth, values, confidence in zip(
                choices.skills.tolist(),
                choices.accepted.tolist(),
                choices.depths.tolist(),
                scores.tolist(),
                confident,
                strict=True,
            )
        ]

    def _choices(self, scores: NDArray[np.float32]) -> Choices:
        count, frames = len(scores), len(set(self.state.frames))
        return Choices(scores.argmax(axis=1), np.ones(count, np.bool_), np.full(count, frames))

    def _kept(self) -> tuple[SkillSamples, ...]:
        if self.samples is None:
            raise UsageError(
                "This router was loaded without the samples it was fitted on.", "Fit it from samples instead."
            )
        return self.samples

    def _again(self, samples: Sequence[SkillSamples]) -> Self:
        return type(self)(fit_state(samples, self.parameters), samples=samples, parameters=self.parameters)
