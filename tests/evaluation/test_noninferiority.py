"""A loss beyond the margin passes as rarely as is promised, and too few texts are told from a loss."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillstack.evaluation.statistics import NonInferiority, needed, non_inferior, p_value, upper_loss


def brute(n: int, lost: int, gained: int, margin: float, gain: float) -> float:
    """The chance of a result as good or better, by going through every one of them."""
    from math import comb

    from skillstack.evaluation.statistics import _score

    limit = _score(n, np.array([lost]), np.array([gained]), margin)[0]
    chance = 0.0
    for b in range(n + 1):
        for c in range(n - b + 1):
            if _score(n, np.array([b]), np.array([c]), margin)[0] >= limit - 1e-9:
                ways = comb(n, b) * comb(n - b, c)
                chance += ways * (gain + margin) ** b * gain**c * (1 - 2 * gain - margin) ** (n - b - c)
    return chance


@pytest.mark.parametrize(("lost", "gained"), [(0, 0), (1, 0), (0, 2), (3, 3), (2, 5)])
def test_the_chance_is_that_of_every_result_as_good_or_better(lost, gained):
    n, margin = 12, 0.2
    most = max(brute(n, lost, gained, margin, gain) for gain in np.linspace(0, (1 - margin) / 2, 201))
    assert p_value(n, lost, gained, margin) == pytest.approx(most, abs=2e-3)


def test_without_any_difference_it_is_the_chance_of_none():
    assert p_value(100, 0, 0, 0.01) == pytest.approx(0.99**100)
    assert p_value(298, 0, 0, 0.01) > 0.05 > p_value(299, 0, 0, 0.01)


def test_the_rows_that_are_needed():
    assert needed(0.0, 0.01, 0.05) == 299
    assert needed(0.02, 0.01, 0.05) == pytest.approx(1200, rel=0.05)
    assert needed(0.04, 0.01, 0.05) == pytest.approx(2500, rel=0.05)


@given(st.integers(1, 120), st.data())
def test_more_gained_texts_are_never_less_sure_and_more_lost_ones_never_more(n, data):
    lost = data.draw(st.integers(0, n - 1))
    gained = data.draw(st.integers(0, n - 1 - lost))
    here = p_value(n, lost, gained, 0.05)
    assert 0 <= here <= 1
    assert p_value(n, lost, gained + 1, 0.05) <= here + 1e-9
    assert p_value(n, lost + 1, gained, 0.05) >= here - 1e-9


@pytest.mark.parametrize("gain", [0.0, 0.02, 0.1])
def test_what_loses_the_margin_passes_in_one_case_of_twenty_at_most(gain):
    """By the exact chances of all results, not by drawing some; those beyond 60 lost texts hardly occur."""
    from scipy.stats import binom

    n, margin, chance, least = 150, 0.05, 0.0, 0
    for lost in range(60):
        # The more were lost, the more have to be gained.
        least = next(gained for gained in range(least, n) if p_value(n, lost, gained, margin) <= 0.05)
        share = gain / (1 - gain - margin)
        chance += binom.pmf(lost, n, gain + margin) * binom.sf(least - 1, n - lost, share)
    assert chance <= 0.05 + 1e-9


def test_the_largest_loss_that_is_left_is_where_the_test_turns():
    worst = upper_loss(1000, 20, 15, 0.05)
    assert p_value(1000, 20, 15, worst + 1e-3) <= 0.05 < p_value(1000, 20, 15, worst - 1e-3)
    assert upper_loss(1000, 0, 0, 0.05) == pytest.approx(0.003, abs=2e-4)


def test_verdicts():
    same = np.ones(400, dtype=bool)
    assert non_inferior(same, same, margin=0.01, level=0.05).passes
    few = non_inferior(same[:100], same[:100], margin=0.01, level=0.05)
    assert (few.passes, few.cannot_tell, few.needed) == (False, True, 299)
    worse = same.copy()
    worse[:20] = False
    lost = non_inferior(same, worse, margin=0.01, level=0.05)
    assert (lost.lost, lost.gained, lost.loss) == (20, 0, 0.05)
    assert not lost.passes and not lost.cannot_tell
    better = non_inferior(worse, same, margin=0.01, level=0.05)
    assert better.passes and better.loss == -0.05


def test_no_text_tells_nothing():
    none = non_inferior(np.zeros(0, bool), np.zeros(0, bool), margin=0.01, level=0.05)
    assert none == NonInferiority(0, 0, 0, 0.01, 0.05, 1.0)
    assert none.cannot_tell


@pytest.mark.parametrize("counts", [(3, 2, 2, 0.1), (3, -1, 0, 0.1), (3, 0, 0, 0.0), (3, 0, 0, 1.0)])
def test_impossible_counts_are_refused(counts):
    with pytest.raises(ValueError, match="texts with margin"):
        p_value(*counts)
