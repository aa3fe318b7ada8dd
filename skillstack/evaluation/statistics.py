"""How sure a mean over tasks is: the percentile bootstrap.

Efron 1979, Bootstrap methods: another look at the jackknife, Annals of Statistics 7; percentile intervals
after Efron & Tibshirani 1993, An introduction to the bootstrap, chapter 13. Texts are drawn anew within each
task (stratified), because the tasks themselves are no sample of anything. A task without one mistake adds no
width: for a single task `wilson` serves better.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skillstack.evaluation.intervals import Interval
from skillstack.evaluation.metrics import Mask, macro

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


@dataclass(frozen=True)
class Paired:
    """Two ways of answering, compared text by text.

    :ivar n: texts; those of several runs count once.
    :ivar only_first: answers that only the first has right, in all tasks and runs.
    :ivar only_second: answers that only the second has right, in all tasks and runs.
    :ivar difference: mean over tasks (and runs) of the first's accuracy minus the second's, -1 to 1.
    :ivar interval: of the difference, by the paired bootstrap; its ends are in -1 to 1.
    :ivar p: two-sided: how likely so great a difference is if neither is better.
    """

    n: int
    only_first: int
    only_second: int
    difference: float
    interval: Interval
    p: float


def paired(
    tasks: Sequence[tuple[Mask, Mask]], *, level: float = 0.95, resamples: int = RESAMPLES, seed: int = 0
) -> Paired:
    """Compare two ways of answering in one run.

    The difference weighs tasks equally; ``p`` is of `mcnemar` over all texts together, so it weighs texts
    equally, and where tasks differ much in size the interval and ``p`` may tell different stories.

    :param tasks: per task which answers of the first and of the second are right, row by row the same texts.
    :raises ValueError: without tasks, for a task without rows, and where two sides have other numbers of
        rows.
    """
    values = [gains(*pair) for pair in tasks]
    draws = resampled_means(values, resamples=resamples, seed=seed)
    first = sum(int(np.count_nonzero(rows > 0)) for rows in values)
    second = sum(int(np.count_nonzero(rows < 0)) for rows in values)
    return Paired(
        n=sum(len(rows) for rows in values),
        only_first=first,
        only_second=second,
        difference=macro([int(rows.sum()) / len(rows) for rows in values]),
        interval=percentiles(draws, level),
        p=mcnemar(first, second),
    )


def paired_runs(
    runs: Sequence[Sequence[tuple[Mask, Mask]]],
    *,
    level: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Paired:
    """Compare two ways of answering in several runs (seeds) that answered the same texts.

    Answers of several runs to one text are no independent observations: each text is drawn with its answers
    of all runs (cluster bootstrap; Davison & Hinkley 1997, Bootstrap methods and their application, chapter
    3), and McNemar's test, which would count them as independent, is not used. ``p`` is twice the smaller
    share of draws on either side of 0, at most 1 and at least ``1 / resamples``: finer it cannot be seen.
    Interval and ``p`` speak of other texts for these very runs; how runs differ is for the caller to show.

    :param runs: per run what `paired` takes; row by row the same texts in every run.
    :raises ValueError: as `paired`, without runs, and where runs have other tasks or other numbers of rows.
    """
    each = [[gains(*pair) for pair in tasks] for tasks in runs]
    values = over_runs(each)
    draws = resampled_means(values, resamples=resamples, seed=seed) / len(runs)
    below, above = int(np.count_nonzero(draws <= 0)), int(np.count_nonzero(draws >= 0))
    return Paired(
        n=sum(len(rows) for rows in values),
        only_first=sum(int(np.count_nonzero(rows > 0)) for tasks in each for rows in tasks),
        only_second=sum(int(np.count_nonzero(rows < 0)) for tasks in each for rows in tasks),
        difference=macro([int(rows.sum()) / (len(rows) * len(runs)) for rows in values]),
        interval=percentiles(draws, level),
        p=min(1.0, max(2 * min(below, above), 1) / resamples),
    )


def mcnemar(only_first: int, only_second: int) -> float:
    """The exact two-sided p of McNemar's test; 1 where the two never differ.

    McNemar 1947, Note on the sampling error of the difference between correlated proportions or percentages,
    Psychometrika 12: if neither is better, each text on which just one is right is a fair coin. The binomial
    tail is summed up in whole numbers, so nothing is lost to rounding.

    :param only_first: texts that only the first has right.
    :param only_second: texts that only the second has right.
    """
    flips, fewer = only_first + only_second, min(only_first, only_second)
    ways = tail = 1
    for heads in range(fewer):
        ways = ways * (flips - heads) // (heads + 1)
        tail += ways
    return min(1.0, 2 * tail / (1 << flips))
