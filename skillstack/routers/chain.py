"""The chain rule: from the newest frame to its parents, the first that is sure enough; else the best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Choices:
    """The choice for each row.

    :ivar skills: int64 [rows], columns of the scores.
    :ivar accepted: bool [rows], whether the score reached the threshold; elsewhere the best of all was taken.
    :ivar depths: int64 [rows], frames looked at.
    """

    skills: NDArray[np.int64]
    accepted: NDArray[np.bool_]
    depths: NDArray[np.int64]


@dataclass(frozen=True)
class Chain:
    """Scores arranged by frame, newest first.

    :ivar best: int64 [rows, frames], the column of each frame's best skill.
    :ivar values: float32 [rows, frames], its score.
    """

    best: NDArray[np.int64]
    values: NDArray[np.float32]

    @classmethod
    def of(cls, scores: NDArray[np.float32], frames: Sequence[int]) -> Chain:
        """Arrange float32 scores [rows, skills], where ``frames`` is each skill's position in the stack."""
        best = []
        for frame in sorted(set(frames), reverse=True):
            columns = np.array([i for i, f in enumerate(frames) if f == frame])
            best.append(columns[scores[:, columns].argmax(axis=1)])
        chosen = np.stack(best, axis=1)
        return cls(chosen, np.take_along_axis(scores, chosen, axis=1))

    def choose(self, threshold: float, depth: int | None = None) -> Choices:
        """The first of the newest ``depth`` frames that scores above the threshold; else the best of all."""
        frames = self.values.shape[1]
        above: NDArray[np.bool_] = np.greater(self.values[:, :depth], threshold)
        accepted: NDArray[np.bool_] = np.any(above, axis=1)
        first = np.where(accepted, above.argmax(axis=1), self.values.argmax(axis=1))
        skills = np.take_along_axis(self.best, first[:, None], axis=1)[:, 0]
        return Choices(skills, accepted, np.where(accepted, first + 1, frames))
