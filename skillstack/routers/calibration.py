"""The chain rule, and what out-of-fold scores teach: its threshold, and how far a confidence can be trusted.

The newest frame that is sure enough answers; else the best of all. A frame is sure enough where its score is
above the threshold and no other frame's is clearly higher.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from skillstack.routers.base import Choices, Parameters, probabilities
from skillstack.routers.svm import TrainingSet, Weighting, fit_linear

#: A score that is higher by more than this is clearly higher. A tenth of the way from a support vector
#: machine's boundary to its margin: nearer scores are a tie, which the newer frame wins.
CLEARLY = 0.1


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
        """The first of the newest ``depth`` frames that is sure enough; else the best of all.

        A frame is sure enough if it scores above the threshold, and no frame of the whole chain scores
        `CLEARLY` higher.
        """
        frames = self.values.shape[1]
        lowest = np.maximum(self.values.max(axis=1, keepdims=True) - CLEARLY, threshold)
        sure: NDArray[np.bool_] = np.greater(self.values[:, :depth], lowest)
        accepted: NDArray[np.bool_] = np.any(sure, axis=1)
        first = np.where(accepted, sure.argmax(axis=1), self.values.argmax(axis=1))
        skills = np.take_along_axis(self.best, first[:, None], axis=1)[:, 0]
        return Choices(skills, accepted, np.where(accepted, first + 1, frames))


#: Fewest rows per skill from which anything is calibrated.
FEWEST_ROWS = 20

#: What the chain rule may lose against the best score: 0.1 points of accuracy.
TOLERANCE = 0.001
#: Of the rows that the best score gets right, the share whose score the threshold lies above. A text that
#: scores as low as these is no reason to stop at a frame, however few mistakes that made out of fold.
UNSURE = 0.1
_STEP = 0.01

# Scores good to the third digit are enough here, and take two thirds of the time.
_COARSE = 1e-2


#: Share of the skills' own texts that may look strange, and lose some of their confidence.
STRANGE = 0.005
#: How far below these a text looks like no skill's, in parts of their distance from the median.
BEYOND = 0.25


@dataclass(frozen=True)
class Usual:
    """Where a figure lies for texts of the skills that were not fitted on.

    The figure is one that texts of other subjects have less of: the best score, which is the maximum logit of
    Hendrycks et al. 2022, Scaling out-of-distribution detection, https://arxiv.org/abs/1911.11132, or the
    familiarity of a text's n-grams.

    :ivar lowest: the `STRANGE` quantile.
    :ivar median: of all.
    """

    lowest: float
    median: float

    @classmethod
    def of(cls, values: NDArray[np.floating]) -> Usual:
        """Of the values of at least one row."""
        lowest, median = np.quantile(values.astype(np.float64), [STRANGE, 0.5]).tolist()
        return cls(float(f"{lowest:.6g}"), float(f"{median:.6g}"))

    def trust(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        """At least 1 for usual values, 0 where they lie `BEYOND` below the lowest; float64, same shape."""
        width = max(BEYOND * (self.median - self.lowest), 1e-9)
        return np.asarray((values - (self.lowest - width)) / width, np.float64)


@dataclass(frozen=True)
class RouterCalibration:
    """The calibration that out-of-fold scores gave.

    :ivar calibrated: whether there were enough rows; if not, the figures below are neutral.
    :ivar temperature: divisor of the scores under the softmax.
    :ivar threshold: score above which a frame may be accepted; see `safe_threshold`.
    :ivar correct: out-of-fold rows for which the best score is their own skill's.
    :ivar n: out-of-fold rows.
    :ivar lost: ``(skill, other, rows)`` for out-of-fold rows of a skill for which another one's score is the
        best, skills as positions in stack order; None in states of before this was kept.
    :ivar score: the best score of a row; None where nothing is calibrated, and in states of older fits.
    :ivar familiarity: `Weighting.familiarity` of a row; None for very few rows, and in states of older fits.
    """

    calibrated: bool
    temperature: float
    threshold: float
    correct: int
    n: int
    lost: tuple[tuple[int, int, int], ...] | None = None
    score: Usual | None = None
    familiarity: Usual | None = None

    def trust(self, scores: NDArray[np.float32], familiarity: NDArray[np.float64]) -> NDArray[np.float64]:
        """How far each row's confidence is to be trusted, float64 [rows]: 0 for texts of no skill.

        :param scores: float32 [rows, skills].
        :param familiarity: float64 [rows].
        """
        trust = np.ones(len(scores))
        if self.score is not None:
            trust = np.minimum(trust, self.score.trust(scores.max(axis=1)))
        if self.familiarity is not None:
            trust = np.minimum(trust, self.familiarity.trust(familiarity))
        return np.maximum(trust, 0.0)


NEUTRAL = RouterCalibration(calibrated=False, temperature=1.0, threshold=0.0, correct=0, n=0)


def calibrate(
    training: TrainingSet, order: Sequence[int], frames: Sequence[int], parameters: Parameters
) -> RouterCalibration:
    """Fit without one fold at a time, score that fold, and look at all scores together.

    :param order: of each skill in stack order, its label in the training set.
    :param frames: of each skill in stack order, its frame's position.
    """
    known = familiarity_out_of_fold(training, parameters)
    neutral = replace(NEUTRAL, familiarity=None if known is None else Usual.of(known))
    if len(order) < 2 or np.bincount(training.labels, minlength=len(order)).min() < FEWEST_ROWS:
        return neutral
    scores = out_of_fold(training, len(order), parameters)
    if scores is None:
        return neutral
    scores = scores[:, list(order)]
    own = np.argsort(np.array(order))[training.labels]
    best = scores.argmax(axis=1)
    correct = int((best == own).sum())
    threshold = safe_threshold(Chain.of(scores, frames), own, scores, correct)
    return RouterCalibration(
        calibrated=True,
        temperature=fit_temperature(scores, own),
        threshold=threshold,
        correct=correct,
        n=len(own),
        lost=_lost(own, best),
        score=Usual.of(scores.max(axis=1)),
        familiarity=neutral.familiarity,
    )


def _lost(own: NDArray[np.int64], best: NDArray[np.int64]) -> tuple[tuple[int, int, int], ...]:
    wrong = own != best
    pairs, counts = np.unique(np.stack([own[wrong], best[wrong]]), axis=1, return_counts=True)
    return tuple((int(a), int(b), int(n)) for (a, b), n in zip(pairs.T, counts, strict=True))


def out_of_fold(training: TrainingSet, skills: int, parameters: Parameters) -> NDArray[np.float32] | None:
    """Scores of each training row by a model that did not see it, float32 [rows, skills].

    None if a fold holds all of a skill.
    """
    scores = np.zeros((len(training.keys), skills), dtype=np.float32)
    for seen, held in _folds(training, parameters):
        part = training.take(seen)
        if len(np.unique(part.labels)) < skills:
            return None
        scores[held] = fit_linear(part, skills, parameters, _COARSE).scores(training.rows.take(held))
    return scores


def familiarity_out_of_fold(training: TrainingSet, parameters: Parameters) -> NDArray[np.float64] | None:
    """`Weighting.familiarity` of each training row by the rows of the other folds, float64 [rows].

    None for fewer than `FEWEST_ROWS` rows, or if a fold holds all of them.
    """
    if len(training.keys) < FEWEST_ROWS:
        return None
    known = np.zeros(len(training.keys))
    for seen, held in _folds(training, parameters):
        if not len(seen):
            return None
        weighting = Weighting.of(training.rows.take(seen), float(parameters.words), float(parameters.flags))
        known[held] = weighting.familiarity(training.rows.take(held))
    return known


def _folds(
    training: TrainingSet, parameters: Parameters
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """The rows outside and inside each fold, which follows from a row's content: equal rows share one."""
    parts = parameters.parts(len(training.keys))
    folds = np.array(
        [int.from_bytes(hashlib.sha256(key).digest()[:8], "big") % parts for key in training.keys]
    )
    return [(np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)) for fold in range(parts)]


def fit_temperature(scores: NDArray[np.float32], own: NDArray[np.int64]) -> float:
    """The temperature of the lowest negative log-likelihood, among 241 values from 0.01 to 10.

    Guo et al. 2017, On Calibration of Modern Neural Networks, https://arxiv.org/abs/1706.04599. Of n rows the
    right skill is taken to be right in n + 1 of n + 2 cases (Platt 1999, Probabilistic outputs for support
    vector machines): a few rows without a mistake are no proof that there will be none.
    """
    grid = np.exp(np.linspace(np.log(0.01), np.log(10.0), 241))
    rows = np.arange(len(own))
    doubt = 1.0 / (len(own) + 2)
    losses = []
    for temperature in grid.tolist():
        found = probabilities(scores, temperature)
        right = found[rows, own]
        losses.append(-((1 - doubt) * _log(right) + doubt * _log(1.0 - right)).mean())
    return float(f"{grid[int(np.argmin(losses))]:.6g}")


def _log(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.log(np.clip(shares, 1e-12, 1.0)))


def safe_threshold(chain: Chain, own: NDArray[np.int64], scores: NDArray[np.float32], correct: int) -> float:
    """The threshold above which nine tenths of the rows lie that the best score gets right.

    It is raised, by multiples of 0.01, to where the chain rule gets almost as many rows right as the best
    score. The lowest threshold that costs nothing would not do: where few rows of different subjects are
    told apart without a mistake, it lies below every score, and the newest frame would take all texts.

    :param own: the right skill of each row.
    :param scores: out-of-fold scores, float32 [rows, skills].
    :param correct: rows that the best score gets right.
    """
    right = scores.argmax(axis=1) == own
    if not right.any():
        return 0.0
    enough = correct - TOLERANCE * len(own)
    first = int(np.floor(float(np.quantile(scores.max(axis=1)[right], UNSURE)) / _STEP))
    # Above every score the chain rule falls back to the best score for all rows, so the search ends.
    last = max(int(np.ceil(float(chain.values.max()) / _STEP)), first)
    for step in range(first, last):
        if int((chain.choose(step * _STEP).skills == own).sum()) >= enough:
            return round(step * _STEP, 2)
    return round(last * _STEP, 2)
