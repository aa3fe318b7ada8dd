"""From paired answers to a verdict: what to expect of the guard, and what the guard says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from skillstack.compression.result import Judged, SkillChange, Verdict
from skillstack.errors import UsageError
from skillstack.evaluation.noninferiority import NonInferiority, p_value
from skillstack.wording import listed, many, percent, points

#: Share of other families' texts whose routed answer may become right or wrong.
OTHERS = 0.002


def check_limits(margin: float, level: float) -> None:
    """See that a guard's margin and level mean something.

    :raises UsageError: if one is out of range.
    """
    for name, value in (("margin", margin), ("level", level)):
        if not 0 < value < 0.5:
            raise UsageError(f"A {name} of {value} means nothing.", "It lies between 0 and 0.5.")


def expected(judged: Judged, guard_rows: Mapping[str, int]) -> tuple[Verdict, str]:
    """What the guard will probably say of what did so on dev rows.

    :param guard_rows: by skill.
    """
    if judged.others_share > OTHERS:
        return "loses too much", _others(judged)
    losses = shrunken([one.test for one in judged.skills])
    lost: list[tuple[SkillChange, float, int]] = []
    unclear: list[tuple[SkillChange, float, int]] = []
    for one, loss in zip(judged.skills, losses, strict=True):
        test, n = one.test, guard_rows[one.skill]
        if _would_pass(test, loss, n):
            continue
        (unclear if loss < test.margin else lost).append((one, loss, n))
    if lost:
        one, loss, _ = max(lost, key=lambda found: found[1])
        return "loses too much", f"{one.skill} would lose about {points(loss)} points"
    if unclear:
        one, _, n = max(unclear, key=lambda found: found[0].test.needed - found[2])
        return "cannot tell", f"{one.skill} has {many(n, 'guard row')} and needs about {one.test.needed:,}"
    return "should pass", f"{points(judged.mean_difference, sign=True)} points on dev rows"


def said(judged: Judged) -> tuple[Verdict, str]:
    """What the guard says."""
    if judged.others_share > OTHERS:
        return "loses too much", _others(judged)
    return said_of(judged.skills)


def said_of(skills: Sequence[SkillChange]) -> tuple[Verdict, str]:
    """What the guard says of skills, all of which have to pass."""
    failed = [one for one in skills if not one.test.passes]
    if not failed:
        worst = max(skills, key=lambda one: one.test.p)
        return (
            "passes",
            f"no task loses {points(worst.test.margin)} points or more (largest p {worst.test.p:.2g})",
        )
    certain = [one for one in failed if not one.test.cannot_tell]
    if certain:
        names = listed([f"{one.skill} ({points(one.difference, sign=True)} points)" for one in certain])
        return "loses too much", f"a loss beyond the margin is not ruled out for {names}"
    names = listed([f"{one.skill} ({one.test.n:,} of about {one.test.needed:,} rows)" for one in failed])
    return "cannot tell", f"too few guard rows for {names}"


def shrunken(tests: Sequence[NonInferiority]) -> list[float]:
    """Losses of several skills, each drawn to their mean as far as chance explains that they differ.

    Efron and Morris 1975, Data analysis using Stein's estimator, https://doi.org/10.2307/2285814.
    """
    losses = np.array([test.loss for test in tests])
    if len(losses) < 3:
        return [float(loss) for loss in losses]
    noise = np.mean([(t.disagreement - t.loss**2) / max(t.n, 1) for t in tests])
    spread = losses.var(ddof=1)
    keep = max(0.0, 1.0 - noise / spread) if spread > 0 else 0.0
    return [float(loss) for loss in losses.mean() + keep * (losses - losses.mean())]


def _would_pass(test: NonInferiority, loss: float, n: int) -> bool:
    """Whether so many rows pass if as many of them differ as on dev rows, and this share is lost."""
    differing = max(test.disagreement, abs(loss)) * n
    lost, gained = round((differing + loss * n) / 2), round((differing - loss * n) / 2)
    return p_value(n, lost, min(gained, n - lost), test.margin) <= test.level


def _others(judged: Judged) -> str:
    texts = many(judged.others, "text")
    share = percent(judged.others_share)
    return f"routed answers to {texts} of other families would change ({share}; {percent(OTHERS)} may)"
