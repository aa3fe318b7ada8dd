"""How sure a mean over tasks is: the percentile bootstrap.

Efron 1979, Bootstrap methods: another look at the jackknife, Annals of Statistics 7; percentile intervals
after Efron & Tibshirani 1993, An introduction to the bootstrap, chapter 13. Texts are drawn anew within each
task (stratified), because the tasks themselves are no sample of anything. A task without one mistake adds no
width: for a single task `wilson` serves better.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from skillstack.evaluation.intervals import Interval
from skillstack.evaluation.scores import Mask

#: How often the texts are drawn anew.
RESAMPLES = 2000


def mean_interval(
    tasks: Sequence[Mask], *, level: float = 0.95, resamples: int = RESAMPLES, seed: int = 0
) -> Interval:
    """Interval of the mean over tasks of their accuracies.

    :param tasks: per task which of its answers are right.
    :param level: how often such an interval holds the true mean, between 0 and 1.
    :param seed: the same one gives the same interval.
    :raises ValueError: without tasks, for a task without rows, and for a level or a count that means nothing.
    """
    return percentiles(resampled_means(tasks, resamples=resamples, seed=seed), level)


def difference_interval(
    tasks: Sequence[tuple[Mask, Mask]], *, level: float = 0.95, resamples: int = RESAMPLES, seed: int = 0
) -> Interval:
    """Interval of the difference, first minus second, between two means over tasks; its ends are in -1 to 1.

    Both sides answered the same texts, and each draw takes the same texts on both (paired).

    :param tasks: per task which answers of the first and of the second are right, row by row the same texts.
    :param level: how often such an interval holds the true difference, between 0 and 1.
    :param seed: the same one gives the same interval.
    :raises ValueError: as `mean_interval`, and where two sides have other numbers of rows.
    """
    means = resampled_means([gains(*pair) for pair in tasks], resamples=resamples, seed=seed)
    return percentiles(means, level)


def runs_interval(
    runs: Sequence[Sequence[Mask]], *, level: float = 0.95, resamples: int = RESAMPLES, seed: int = 0
) -> Interval:
    """Interval of the mean over tasks and runs, where all runs answered the same texts.

    The answers to one text are not independent, so a text is drawn with its answers of all runs. What the
    interval speaks of is other texts, not other runs.

    :param runs: per run and task which answers are right; row by row the same texts in every run.
    :raises ValueError: as `mean_interval`, and where runs have other tasks or other numbers of rows.
    """
    totals = over_runs([[mask.astype(np.int64) for mask in tasks] for tasks in runs])
    return percentiles(resampled_means(totals, resamples=resamples, seed=seed) / len(runs), level)


def gains(first: Mask, second: Mask) -> NDArray[np.int64]:
    """``[rows]``: 1 where only the first is right, -1 where only the second is, else 0.

    :raises ValueError: where the two have other numbers of rows.
    """
    if first.shape != second.shape:
        raise ValueError(f"{len(first)} and {len(second)} answers are not to the same texts")
    return first.astype(np.int64) - second.astype(np.int64)


def over_runs(runs: Sequence[Sequence[NDArray[np.int64]]]) -> list[NDArray[np.int64]]:
    """Per task, each text's values summed up over the runs.

    :raises ValueError: without runs, and where runs have other tasks or other numbers of rows.
    """
    if not runs or len({tuple(values.shape for values in tasks) for tasks in runs}) != 1:
        raise ValueError("runs can be joined only if there are some, of the same texts")
    return [np.sum(values, axis=0) for values in zip(*runs, strict=True)]


def resampled_means(
    tasks: Sequence[NDArray[np.bool_] | NDArray[np.int64]], *, resamples: int = RESAMPLES, seed: int = 0
) -> NDArray[np.float64]:
    """``[resamples]``: the mean over tasks of each task's mean value, with its texts drawn anew.

    A task's draw depends on how often each value is drawn alone, and these counts are multinomial: they are
    drawn instead of rows, so that time and memory grow with the number of different values, not of rows.

    :param tasks: per task ``[rows]``, one whole number or truth value per text.
    :raises ValueError: without tasks, for a task without rows, and for less than one draw.
    """
    if resamples < 1:
        raise ValueError(f"{resamples} draws tell nothing")
    if not len(tasks) or not all(len(values) for values in tasks):
        raise ValueError("a mean over tasks needs tasks, and rows of each")
    generator = np.random.default_rng(seed)
    total = np.zeros(resamples)
    for rows in tasks:
        values, counts = np.unique(rows.astype(np.int64), return_counts=True)
        drawn = generator.multinomial(len(rows), counts / len(rows), size=resamples)
        total += drawn @ values / len(rows)
    # A sum of fractions that should be 0 is so only up to rounding, and tests count the draws at 0.
    return np.round(total / len(tasks), 12)


def percentiles(draws: NDArray[np.float64], level: float) -> Interval:
    """The middle part of the draws, as large as the level says.

    :raises ValueError: for a level that is not between 0 and 1.
    """
    if not 0 < level < 1:
        raise ValueError(f"a level of {level} is not between 0 and 1")
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high))
