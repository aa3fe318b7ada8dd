"""The guard's verdict as dev rows predict it, and the choice of candidates by that.

What dev rows show of several skills is drawn to their mean as far as chance explains that they differ. What
the guard will count is then spread around that by two chances, that of the dev rows and that of its own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from skillstack.compression.results import LIKELY, Comparison, Verdict
from skillstack.evaluation.statistics import NonInferiority
from skillstack.wording import chance, many, percent, points

if TYPE_CHECKING:
    from skillstack.compression.candidate import Candidate, FamilyFrames

#: Margins that are looked at where nothing should pass at the one that was given.
WIDER = (0.01, 0.02, 0.03, 0.05, 0.1)


class Expectation(NamedTuple):
    """The expected verdict of the guard, the reason, and the chance that all skills pass."""

    verdict: Verdict
    why: str
    chance: float


def expected(dev: Comparison, guard_rows: Mapping[str, int]) -> Expectation:
    """Predict the guard's verdict from a comparison on dev rows.

    :param guard_rows: by skill.
    """
    if (against := against_others(dev)) is not None:
        return Expectation(*against, 0.0)
    tests = [one.test for one in dev.skills]
    rows = [guard_rows[one.skill] for one in dev.skills]
    each = chances(tests, rows)
    together = math.prod(each)
    losses, _ = shrunken(tests)
    worst = min(range(len(each)), key=lambda place: each[place])
    name, test, loss = dev.skills[worst].skill, tests[worst], losses[worst]
    if together >= LIKELY:
        return Expectation(
            "should pass", f"{points(dev.mean_difference, sign=True)} points on dev rows", together
        )
    if loss >= test.margin:
        return Expectation("loses too much", f"{name} would lose about {points(loss)} points", together)
    if rows[worst] < test.needed and each[worst] < LIKELY:
        why = f"{name} has {many(rows[worst], 'guard row')} and needs about {test.needed:,}"
    else:
        why = f"all of its tasks pass with a chance of {percent(together)}"
    return Expectation("cannot tell", why, together)


def against_others(found: Comparison) -> tuple[Verdict, str] | None:
    """Judge a change by the texts of other families; None where they do not speak against it.

    The router sends these where it sent them before, so only answers to texts that it gives to a wrong family
    can change at all. What counts is a loss, by the test that the family itself is held to.
    """
    others = found.others
    if others.loss <= 0 or others.passes:
        return None
    return "loses too much", (
        f"of {many(others.n, 'text')} of other families {others.lost:,} would get a wrong answer and "
        f"{others.gained:,} a right one; a loss of {points(others.margin)} points is not ruled out "
        f"({chance(others.p)})"
    )


def chances(tests: Sequence[NonInferiority], guard_rows: Sequence[int]) -> list[float]:
    """The chance of each skill that its guard rows pass, given what dev rows show.

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
        if not n or (loss >= 0 and n < least_rows(test.margin, test.level)):
            found.append(0.0)
            continue
        differing = max((test.lost + test.gained + 0.5) / (test.n + 1), abs(loss))
        limit = float(norm.isf(test.level)) * math.sqrt(max(differing, test.margin) / n)
        noise = math.sqrt(spread + max(differing - loss**2, 0.0) / n)
        found.append(float(norm.cdf((test.margin - loss - limit) / noise)))
    return found


def least_rows(margin: float, level: float) -> float:
    """Guard rows below which not even unchanged answers pass."""
    return math.log(level) / math.log1p(-margin)


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


def smallest_first(candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """Candidates by their bytes; of equal ones the best on the rows that they were asked first."""

    def gain(one: Candidate) -> float:
        return one.dev.mean_difference if one.dev is not None else one.screened_difference

    return tuple(sorted(candidates, key=lambda one: (-one.saved, -gain(one))))


def wider_margin(candidates: Sequence[Candidate], guard_rows: Mapping[str, int]) -> float | None:
    """The least margin of a few at which one of some candidates should pass, though none does now.

    :param candidates: that were evaluated.
    :param guard_rows: by skill.
    :returns: as a share; None where one should pass as it is, or none at any.
    """
    if any(one.verdict == "should pass" for one in candidates):
        return None
    for margin in WIDER:
        for one in candidates:
            changes = one.measured.skills
            tests = [replace(change.test, margin=margin) for change in changes]
            rows = [guard_rows[change.skill] for change in changes]
            if (
                margin > changes[0].test.margin
                and one.measured.others.loss <= 0
                and math.prod(chances(tests, rows)) >= LIKELY
            ):
                return margin
    return None


def blocking(
    family: FamilyFrames, candidates: Sequence[Candidate], guard_rows: Mapping[str, int]
) -> tuple[str, ...]:
    """Names of the fewest frames without which the others should pass, as far as these candidates tell.

    :param candidates: that were evaluated for the whole family.
    :param guard_rows: by skill.
    :returns: oldest first; empty where one should pass as it is, and where fewer than two would be left.
    """
    if any(one.verdict == "should pass" for one in candidates):
        return ()
    fair = [one.measured for one in candidates if one.merges and against_others(one.measured) is None]
    stay = max((_likely(family, dev, guard_rows) for dev in fair), key=len, default=frozenset())
    if len(stay) < 2:
        return ()
    return tuple(frame.name for frame in family.frames if frame.name not in stay)


def _likely(family: FamilyFrames, dev: Comparison, guard_rows: Mapping[str, int]) -> frozenset[str]:
    """The most frames whose skills all pass with a chance of a half or more."""
    each = chances([one.test for one in dev.skills], [guard_rows[one.skill] for one in dev.skills])
    of_skill = {change.skill: value for change, value in zip(dev.skills, each, strict=True)}
    of_frame = {
        frame.name: math.prod(of_skill[skill.name] for skill in frame.skills) for frame in family.frames
    }
    found, together = [], 1.0
    for name in sorted(of_frame, key=lambda name: -of_frame[name]):
        together *= of_frame[name]
        if together < LIKELY:
            break
        found.append(name)
    return frozenset(found)


# --- one option for each of several families ---------------------------------------------------------------


@dataclass(frozen=True, order=True)
class Loss:
    """The loss by an option; losses of several families add up.

    :ivar doubt: minus the logarithm of the chance that the guard lets all skills pass.
    :ivar accuracy: accuracy lost, summed over skills.
    """

    doubt: float
    accuracy: float

    def __add__(self, other: Loss) -> Loss:
        return Loss(self.doubt + other.doubt, self.accuracy + other.accuracy)


def cheapest(options: Sequence[Sequence[tuple[int, Loss]]], target: int) -> tuple[int, ...] | None:
    """The numbers of the options, one of each family, that fit at the least loss; None if nothing fits.

    The multiple-choice knapsack problem, exactly: of partial choices only those stay that no other beats in
    both bytes and loss (Nemhauser & Ullmann 1969, https://doi.org/10.1287/mnsc.15.9.494).

    :param options: of each family, bytes and loss of what can become of it.
    :param target: bytes that all may have together.
    """
    front: list[tuple[int, Loss, tuple[int, ...]]] = [(0, Loss(0.0, 0.0), ())]
    for family in options:
        longer = [
            (size + bytes_, loss + more, (*numbers, number))
            for size, loss, numbers in front
            for number, (bytes_, more) in enumerate(family)
            if size + bytes_ <= target
        ]
        front = []
        for option in sorted(longer):
            if not front or option[1] < front[-1][1]:
                front.append(option)
    return front[-1][2] if front else None
