"""From dev rows to the guard: with which chance a candidate will pass there.

What dev rows show of several skills is drawn to their mean as far as chance explains that they differ. What
the guard will count is then spread around that by two chances, that of the dev rows and that of its own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from skillstack.evaluation.noninferiority import NonInferiority


def chances(tests: Sequence[NonInferiority], guard_rows: Sequence[int]) -> list[float]:
    """Of each skill the chance that its guard rows pass, if dev rows show this.

    By normal curves around the test's own limit (Tango 1998, Statistics in Medicine 17, by whose null
    variance as many texts differ as before, but no fewer than the margin); what gains nothing has none below
    the rows that even no change at all needs.

    :param tests: what dev rows show of each skill.
    :param guard_rows: how many rows each has.
    """
    from scipy.stats import norm

    losses, spreads = shrunken(tests)
    found = []
    for test, loss, spread, n in zip(tests, losses, spreads, guard_rows, strict=True):
        if not n or (loss >= 0 and n < math.log(test.level) / math.log1p(-test.margin)):
            found.append(0.0)
            continue
        differing = max((test.lost + test.gained + 0.5) / (test.n + 1), abs(loss))
        limit = float(norm.isf(test.level)) * math.sqrt(max(differing, test.margin) / n)
        noise = math.sqrt(spread + max(differing - loss**2, 0.0) / n)
        found.append(float(norm.cdf((test.margin - loss - limit) / noise)))
    return found


def shrunken(tests: Sequence[NonInferiority]) -> tuple[list[float], list[float]]:
    """Losses of several skills, each drawn to their mean, and the variance that is left of each.

    Efron and Morris 1975, Data analysis using Stein's estimator, https://doi.org/10.2307/2285814. Two skills
    or one are left as they are.
    """
    losses = np.array([test.loss for test in tests])
    noise = np.array(
        [
            max((test.lost + test.gained + 0.5) / (test.n + 1) - test.loss**2, 0.5 / (test.n + 1))
            / max(test.n, 1)
            for test in tests
        ]
    )
    if len(losses) < 3:
        return losses.tolist(), noise.tolist()
    spread, mean_noise = float(losses.var(ddof=1)), float(noise.mean())
    keep = max(0.0, 1.0 - mean_noise / spread) if spread > 0 else 0.0
    drawn = losses.mean() + keep * (losses - losses.mean())
    return drawn.tolist(), (keep * noise + (1.0 - keep) * mean_noise / len(losses)).tolist()
