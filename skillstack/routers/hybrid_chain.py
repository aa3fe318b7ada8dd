"""The default router `hybrid_chain`: the newest frame that is sure enough answers; else the best of all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from skillstack.errors import UsageError
from skillstack.routers.base import Choices, Parameters, SkillSamples
from skillstack.routers.calibration import Chain
from skillstack.routers.hybrid_svm import HybridSVM
from skillstack.routers.state import RouterState, fit_state


class HybridChain(HybridSVM):
    """The scores of `HybridSVM`, read along the chain of frames.

    :param threshold: a frame that scores above it is accepted, unless another one scores clearly higher; None
        takes the state's, which was calibrated on out-of-fold scores.
    :param depth: newest frames that may accept; None for all. The fallback looks at all in any case.
    :raises UsageError: if the threshold is no number or the depth is below 1.
    """

    name: ClassVar[str] = "hybrid_chain"
    options: ClassVar[tuple[str, ...]] = ("threshold", "depth")

    def __init__(
        self,
        state: RouterState,
        *,
        threshold: float | None = None,
        depth: int | None = None,
        samples: Sequence[SkillSamples] | None = None,
        parameters: Parameters | None = None,
    ) -> None:
        super().__init__(state, samples=samples, parameters=parameters)
        if threshold is not None and math.isnan(threshold):
            raise UsageError("The threshold is no number.", "Give a number such as 0.0, or 'auto'.")
        if depth is not None and depth < 1:
            raise UsageError(f"The depth is {depth}.", "Give at least 1, or leave it out for all frames.")
        self._given, self.depth = threshold, depth

    @property
    def threshold(self) -> float:
        """The threshold in force."""
        return super().threshold if self._given is None else self._given

    def choices(self, scores: NDArray[np.float32]) -> Choices:
        """The newest frame that is sure enough for each row; else the best score."""
        return Chain.of(scores, self.frames).choose(self.threshold, self.depth)

    def _again(self, samples: Sequence[SkillSamples]) -> Self:
        return type(self)(
            fit_state(samples, self.parameters),
            threshold=self._given,
            depth=self.depth,
            samples=samples,
            parameters=self.parameters,
        )
