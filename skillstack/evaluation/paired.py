"""Whether one way of answering is better than another on the same texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from skillstack.evaluation.bootstrap import RESAMPLES, gains, over_runs, percentiles, resampled_means
from skillstack.evaluation.intervals import Interval
from skillstack.evaluation.scores import Mask, macro


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
