"""When a training measures and averages, and how fast it learns at each step."""

import dataclasses
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillstack.training.recipe import Recipe, Schedule


def test_the_rate_rises_to_its_full_height_and_then_falls_in_a_line():
    schedule = Schedule.of(Recipe(epochs=10, batch_size=16, warmup=0.2), rows=16)
    factors = [schedule.factor(step) for step in range(1, 11)]
    assert factors[:3] == [0.5, 1.0, 1.0]
    falls = [a - b for a, b in pairwise(factors[2:])]
    assert falls == pytest.approx([1 / 8] * 7)
    assert factors[-1] == pytest.approx(1 / 8)


def test_without_a_warm_up_the_first_step_has_the_full_rate():
    assert Schedule.of(Recipe(epochs=3, warmup=0.0), rows=16).factor(1) == 1.0


def test_checks_come_at_ends_of_epochs_evenly_spread_the_last_one_included():
    recipe = Recipe(epochs=6, batch_size=8, checks=3)
    assert Schedule.of(recipe, rows=16).measured == {4, 8, 12}
    assert Schedule.of(dataclasses.replace(recipe, checks=100), rows=16).measured == {2, 4, 6, 8, 10, 12}
    assert Schedule.of(dataclasses.replace(recipe, checks=0), rows=16).measured == set()


def test_without_an_average_the_last_weights_are_measured_whatever_the_checks():
    assert Schedule.of(Recipe(epochs=4, checks=0, average=0.0), rows=16).measured == {4}


def test_the_average_is_taken_over_the_last_share_of_the_steps():
    recipe = Recipe(epochs=10, batch_size=16)
    for share, first in ((0.5, 6), (1.0, 1), (0.1, 10), (0.01, 10)):
        assert Schedule.of(dataclasses.replace(recipe, average=share), rows=16).average_from == first
    assert Schedule.of(dataclasses.replace(recipe, average=0.0), rows=16).average_from > 10


@given(
    rows=st.integers(1, 3000),
    epochs=st.integers(0, 12),
    max_steps=st.integers(0, 100),
    checks=st.integers(0, 12),
    average=st.sampled_from([0.0, 0.1, 0.5, 1.0]),
    warmup=st.floats(0, 1),
)
def test_every_schedule_is_sound(rows, epochs, max_steps, checks, average, warmup):
    recipe = Recipe(epochs=epochs, max_steps=max_steps, checks=checks, average=average, warmup=warmup)
    schedule = Schedule.of(recipe, rows)
    assert schedule.steps == recipe.steps(rows)
    assert all(1 <= step <= schedule.steps for step in schedule.measured)
    if schedule.steps:
        # Something that was trained is always measured: the last weights, or their average.
        assert schedule.steps in schedule.measured or schedule.average_from <= schedule.steps
    factors = [schedule.factor(step) for step in range(1, schedule.steps + 1)]
    assert all(0 <= factor <= 1 for factor in factors)
    peak = factors.index(max(factors)) if factors else 0
    assert factors[:peak] == sorted(factors[:peak])
    assert factors[peak:] == sorted(factors[peak:], reverse=True)
