"""Whether something new is certainly not worse than something old by more than a margin, text by text.

Both answer the same texts. Of ``n`` texts, ``lost`` are right with the old one alone and ``gained`` with the
new one alone. What is to be refuted is that the share lost is larger than the share gained by the margin or
more. Results are ordered by the score statistic of Tango (1998, Statistics in Medicine 17), and their chance
is computed exactly (Hsueh, Liu and Chen 2001, https://doi.org/10.1111/j.0006-341X.2001.00478.x; Sidik 2003,
https://doi.org/10.1002/sim.1287) and not from a normal curve, which is too sure where few texts differ.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skillstack.evaluation.metrics import Mask

#: With which chance a change that loses nothing should be recognised, when rows are counted that are needed.
POWER = 0.8
#: Values of the unknown share of gained texts that are looked at.
_STEPS = 100
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class NonInferiority:
    """What a paired test says.

    :ivar n: texts.
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
    """Test right answers before and after ``[texts]`` against a margin.

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


def _score(n: int, lost: NDArray[np.int64], gained: NDArray[np.int64], margin: float) -> Floats:
    """Tango's statistic; large where the margin is not lost.

    The share of gained texts is that of the largest likelihood if just the margin was lost.
    """
    b, c = lost.astype(np.float64), gained.astype(np.float64)
    linear = b * (1 + margin) + c * (1 - margin) - 2 * n * margin
    gain = (linear + np.sqrt(linear**2 + 8 * n * c * margin * (1 - margin))) / (4 * n)
    found: Floats = (n * margin - (b - c)) / np.sqrt(n * (2 * gain + margin - margin**2))
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
