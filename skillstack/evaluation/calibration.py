"""Whether a confidence can be believed: of the rows at 80 %, about 80 % should be right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skillstack.evaluation.scores import Mask, accuracy


@dataclass(frozen=True)
class Bin:
    """Rows of like confidence.

    :ivar low: the least confidence among them.
    :ivar high: the greatest.
    :ivar n: how many rows.
    :ivar confidence: its mean, 0 to 1.
    :ivar accuracy: the share that is right, 0 to 1.
    """

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Calibration:
    """How far confidence and accuracy lie apart.

    :ivar n: rows; without any the figures are 0 and there are no bins.
    :ivar ece: expected calibration error, 0 to 1: the mean over rows of their bin's distance. Chance alone
        makes it greater than 0, the more the fewer rows a bin has.
    :ivar brier: mean of ``(confidence - right)^2``, 0 to 1 (Brier 1950, Monthly Weather Review 78).
    :ivar bins: from the least confident to the most.
    """

    n: int
    ece: float
    brier: float
    bins: tuple[Bin, ...]


def calibration(
    confidence: Sequence[float] | NDArray[np.floating], right: Mask, bins: int = 10
) -> Calibration:
    """Put rows into bins of about equal size by confidence, and compare each bin's with what was right.

    Adaptive bins: Nguyen & O'Connor 2015, Posterior calibration and exploratory analysis for natural language
    processing models, EMNLP; Nixon et al. 2019, Measuring calibration in deep learning, CVPR workshops. Bins
    of equal width would leave most of them nearly empty for a model that is mostly sure. Rows of one
    confidence stay in one bin, so bins may be fewer than asked, and the order of rows does not matter.

    :param confidence: ``[rows]``, 0 to 1.
    :param right: ``[rows]``, what turned out.
    :param bins: how many at most.
    :raises ValueError: where rows do not match, a confidence is not in 0 to 1, or no bin is asked for.
    """
    sure, hit = np.asarray(confidence, np.float64), np.asarray(right, np.bool_)
    if sure.shape != hit.shape or sure.ndim != 1:
        raise ValueError(f"{sure.shape} confidences and {hit.shape} outcomes are not one row each")
    if bins < 1:
        raise ValueError(f"rows cannot be put into {bins} bins")
    if not np.all((sure >= 0) & (sure <= 1)):
        raise ValueError("a confidence is not a number from 0 to 1")
    n = len(sure)
    if n == 0:
        return Calibration(0, 0.0, 0.0, ())
    place = _places(sure, bins)
    found = tuple(_bin(sure[place == index], hit[place == index]) for index in np.unique(place))
    ece = sum(one.n / n * abs(one.accuracy - one.confidence) for one in found)
    return Calibration(n, ece, float(np.mean((sure - hit) ** 2)), found)


def _places(confidence: NDArray[np.float64], bins: int) -> NDArray[np.int64]:
    """``[rows]``: the bin of each; rows of one confidence go where the middle of them belongs."""
    _, group, counts = np.unique(confidence, return_inverse=True, return_counts=True)
    twice_the_middle = 2 * np.cumsum(counts) - counts
    place: NDArray[np.int64] = (bins * twice_the_middle // (2 * len(confidence)))[group]
    return place


def _bin(confidence: NDArray[np.float64], right: Mask) -> Bin:
    low, high = float(confidence.min()), float(confidence.max())
    # Rounding may push a mean of equal numbers past them.
    mean = min(max(float(confidence.mean()), low), high)
    return Bin(low, high, len(confidence), mean, accuracy(right))
