"""The router `hybrid_svm`: a linear support vector machine on words and characters; the best score wins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from skillstack.errors import UsageError, did_you_mean
from skillstack.routers.base import Parameters, Router, SkillSamples
from skillstack.routers.features import hash_rows
from skillstack.routers.state import (
    FIT,
    OLDER_FITS,
    RouterState,
    decode,
    encode,
    fit_state,
    load,
    state_digest,
)
from skillstack.store.rows import Row

# Rows hashed and scored at once: memory stays flat however many are given.
_BATCH = 4096


class HybridSVM(Router):
    """Scores of a fitted state, and the best of them.

    :param state: a fitted state.
    :param samples: what it was fitted on, needed for `add` and `remove` alone.
    :param parameters: of the fit, likewise.
    """

    name: ClassVar[str] = "hybrid_svm"

    def __init__(
        self,
        state: RouterState,
        *,
        samples: Sequence[SkillSamples] | None = None,
        parameters: Parameters | None = None,
    ) -> None:
        super().__init__(state.inputs, state.skills, state.frames)
        self.state = state
        self.calibrated = state.calibration.calibrated
        self.temperature = state.calibration.temperature
        self.lost = state.calibration.lost
        self.samples = None if samples is None else tuple(samples)
        self.parameters = parameters or Parameters()

    @classmethod
    def digests(cls, contents: Sequence[tuple[str, str, int]]) -> Iterator[str]:
        """See `Router.digests`."""
        return (state_digest(contents, fit=fit) for fit in (FIT, *OLDER_FITS))

    @classmethod
    def fit(
        cls,
        samples: Sequence[SkillSamples],
        parameters: Parameters | None = None,
        *,
        inputs: str | None = None,
    ) -> Self:
        """See `Router.fit`."""
        return cls(fit_state(samples, parameters, inputs), samples=samples, parameters=parameters)

    @classmethod
    def on(cls, fitted: Router, **options: Any) -> Self:
        """See `Router.on`."""
        if not isinstance(fitted, HybridSVM):
            raise TypeError(f"{fitted.name} has a state of another kind")
        return cls(fitted.state, **options)

    def encode(self) -> dict[str, bytes]:
        """See `Router.encode`."""
        return encode(self.state)

    @classmethod
    def decode(cls, files: Mapping[str, bytes], digest: str, *, what: str) -> Self:
        """See `Router.decode`."""
        return cls(decode(files, digest, what=what))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """See `Router.load`. Of a large state a part is read and checked only when a row needs it."""
        return cls(load(folder, folder.name))

    @property
    def threshold(self) -> float:
        """The calibrated threshold."""
        return self.state.calibration.threshold

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
        return self.read(rows)[0]

    def read(self, rows: Sequence[Row]) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """See `Router.read`."""
        model = self.state.model
        scores, trust = [np.zeros((0, len(self.skills)), np.float32)], [np.zeros(0)]
        for start in range(0, len(rows), _BATCH):
            hashed = hash_rows(rows[start : start + _BATCH])
            scores.append(model.scores(hashed))
            trust.append(self.state.calibration.trust(scores[-1], model.weighting.familiarity(hashed)))
        return np.concatenate(scores), np.concatenate(trust)

    def _kept(self) -> tuple[SkillSamples, ...]:
        if self.samples is None:
            raise UsageError(
                "This router was loaded without the samples it was fitted on.", "Fit it from samples instead."
            )
        return self.samples

    def _again(self, samples: Sequence[SkillSamples]) -> Self:
        return type(self)(fit_state(samples, self.parameters), samples=samples, parameters=self.parameters)
