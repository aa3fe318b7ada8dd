"""How sure a mean over tasks is, how two ways of answering differ, and whether one is certainly not worse.

Means have percentile bootstraps: Efron 1979, Bootstrap methods: another look at the jackknife, Annals of
Statistics 7; percentile intervals after Efron & Tibshirani 1993, An introduction to the bootstrap, chapter
13. Texts are drawn anew within each task (stratified), because the tasks themselves are no sample of
anything. A task without one mistake adds no width: for a single task `wilson` serves better.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skillstack.evaluation.intervals import DIGITS, Interval
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

    def to_json(self) -> dict[str, Any]:
        """The figures, rounded, but for p."""
        return {
            "difference": round(self.difference, DIGITS),
            "interval": self.interval.to_json(),
            "p": self.p,
            "n": self.n,
            "only_first": self.only_first,
            "only_second": self.only_second,
        }


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


#: With which chance a change that loses nothing should be recognised, when rows are counted that are needed.
POWER = 0.8
#: Values of the unknown share of gained texts that are looked at.
_STEPS = 100


@dataclass(frozen=True)
class NonInferiority:
    """What a paired test says.

    :ivar lost: texts that the old one alone answers rightly.
    :ivar gained: texts that the new one alone answers rightly.
    :ivar margin: the loss that is allowed, as a share.
    :ivar level: chance, at most, of passing what loses the margin or more.
    :ivar p: the largest chance of a result as good as this one or better if the margin was lost.
    """

    n: int
    lost: int
    gained: int
    margin: float
    level: float
    p: float

    @property
    def loss(self) -> float:
        """Share of right answers before minus after; negative for a gain."""
        return (self.lost - self.gained) / self.n if self.n else 0.0

    @property
    def disagreement(self) -> float:
        """Share of texts that one of the two alone answers rightly."""
        return (self.lost + self.gained) / self.n if self.n else 0.0

    @property
    def most(self) -> float:
        """The largest loss that is not refuted, as a share; 0 where every loss is."""
        return upper_loss(self.n, self.lost, self.gained, self.level)

    @property
    def needed(self) -> int:
        """Texts with which a change that loses nothing would probably pass, if as many of them differ."""
        return needed(self.disagreement, self.margin, self.level)

    @property
    def passes(self) -> bool:
        """Whether a loss of the margin is refuted."""
        return self.p <= self.level

    @property
    def cannot_tell(self) -> bool:
        """Whether it does not pass, and there were too few texts to expect it of what loses nothing."""
        return not self.passes and self.loss < self.margin and self.n < self.needed


def non_inferior(before: Mask, after: Mask, *, margin: float, level: float) -> NonInferiority:
    """Test whether answers are certainly not worse than before by a margin or more, text by text.

    Of ``n`` texts, ``lost`` are right with the old answers alone and ``gained`` with the new ones alone. What
    is to be refuted is that the share lost is larger than the share gained by the margin or more. Results are
    ordered by the score statistic of Tango (1998, Statistics in Medicine 17), and their chance is computed
    exactly (Hsueh, Liu and Chen 2001, https://doi.org/10.1111/j.0006-341X.2001.00478.x; Sidik 2003,
    https://doi.org/10.1002/sim.1287) and not from a normal curve, which is too sure where few texts differ.

    :param before: right answers of the old one, ``[texts]``; likewise ``after`` of the new one.

    :param margin: above 0 and below 1.
    :param level: above 0 and below 1.
    """
    lost, gained = int((before & ~after).sum()), int((after & ~before).sum())
    return NonInferiority(
        len(before), lost, gained, margin, level, p_value(len(before), lost, gained, margin)
    )


def p_value(n: int, lost: int, gained: int, margin: float) -> float:
    """The exact one-sided p-value, the largest over all shares of gained texts.

    :raises ValueError: if the numbers cannot be counts of this many texts, or the margin is no share.
    """
    if not (lost >= 0 and gained >= 0 and lost + gained <= n and 0 < margin < 1):
        raise ValueError(f"{lost} lost and {gained} gained of {n} texts with margin {margin}")
    if n == 0:
        return 1.0
    from scipy.stats import binom

    counts = np.arange(n + 1)
    observed = float(_score(n, np.array([lost]), np.array([gained]), margin)[0])
    least = _least_gained(n, observed, margin)
    possible = least <= n - counts
    counts, least = counts[possible], least[possible]
    # A share of gained texts, and with it the margin more that are lost; both together are at most all.
    gain = np.concatenate([[0.0], np.geomspace(1e-7, (1 - margin) / 2, _STEPS)])[:, None]
    share = np.minimum(1.0, gain / (1 - gain - margin))
    chances = (binom.pmf(counts, n, gain + margin) * binom.sf(least - 1, n - counts, share)).sum(axis=1)
    return min(1.0, float(chances.max()))


def upper_loss(n: int, lost: int, gained: int, level: float) -> float:
    """The largest loss that is not refuted, as a share: the end of the one-sided interval.

    :param level: chance, at most, that the true loss is larger.
    """
    if n == 0:
        return 1.0
    low, high = max((lost - gained) / n, 1e-6), 1.0 - 1e-6
    if p_value(n, lost, gained, low) <= level:
        return max((lost - gained) / n, 0.0)
    while high - low > 1e-4:
        middle = (low + high) / 2
        low, high = (low, middle) if p_value(n, lost, gained, middle) <= level else (middle, high)
    return high


def needed(disagreement: float, margin: float, level: float) -> int:
    """Texts with which a change that loses nothing passes with a chance of `POWER`.

    Where texts differ, by the normal approximation for paired shares (Lu and Bean 1995,
    https://doi.org/10.1002/sim.4780141605); where none do, by the exact chance of that.

    :param disagreement: share of texts that one of the two alone answers rightly.
    """
    from scipy.stats import norm

    none = math.log(level) / math.log1p(-margin)
    ends = float(norm.isf(level) + norm.ppf(POWER))
    return math.ceil(max(none, disagreement * (ends / margin) ** 2))


def _score(n: int, lost: NDArray[np.int64], gained: NDArray[np.int64], margin: float) -> NDArray[np.float64]:
    """Tango's statistic; large where the margin is not lost.

    The share of gained texts is that of the largest likelihood if just the margin was lost.
    """
    b, c = lost.astype(np.float64), gained.astype(np.float64)
    linear = b * (1 + margin) + c * (1 - margin) - 2 * n * margin
    gain = (linear + np.sqrt(linear**2 + 8 * n * c * margin * (1 - margin))) / (4 * n)
    found: NDArray[np.float64] = (n * margin - (b - c)) / np.sqrt(n * (2 * gain + margin - margin**2))
    return found


def _least_gained(n: int, observed: float, margin: float) -> NDArray[np.int64]:
    """Of each number of lost texts, the fewest gained ones that are as good as what was observed.

    The statistic grows with every text gained, so it is searched by halves. More than there can be: none.
    """
    lost = np.arange(n + 1)
    low, high = np.zeros(n + 1, dtype=np.int64), n - lost + 1
    while (low < high).any():
        middle = (low + high) // 2
        inside = np.minimum(middle, n - lost)
        good = (_score(n, lost, inside, margin) >= observed - 1e-9) & (middle <= n - lost)
        low, high = np.where(good, low, np.minimum(middle + 1, high)), np.where(good, middle, high)
    return low
