"""The standings by hand, from small cells."""

import pytest

from skillstack.continual.leaderboard import leaderboard, to_json
from skillstack.errors import InputError

from .conftest import by_hand

OURS = {"one": "1111", "two": "11"}
THEIRS = {"one": "1100", "two": "10"}


def test_means_differences_and_costs_by_hand():
    standings = leaderboard(
        [
            by_hand("skillstack", OURS),
            by_hand("skillstack", THEIRS, seed=7),
            by_hand("ewc", THEIRS, seconds=20.0),
            by_hand("ewc", THEIRS, seed=7, seconds=40.0, processor=None),
        ]
    )
    ours, theirs = standings
    assert (ours.method, theirs.method) == ("skillstack", "ewc")
    assert ours.by_run == (1.0, 0.5) or ours.by_run == (0.5, 1.0)
    assert ours.accuracy == pytest.approx(0.75)
    assert ours.difference is None
    assert theirs.accuracy == pytest.approx(0.5)
    assert theirs.difference.difference == pytest.approx(-0.25)
    assert (theirs.difference.only_first, theirs.difference.only_second) == (0, 3)
    assert theirs.difference.n == 6
    assert theirs.seconds == 30.0
    assert theirs.processor == 9.0  # of the one run of which it is known
    assert theirs.bytes_per_task == 20
    assert theirs.texts_per_task == 2
    assert ours.interval.low <= ours.accuracy <= ours.interval.high


def test_a_cell_that_is_given_twice_counts_once():
    once = leaderboard([by_hand("ewc", THEIRS)])
    twice = leaderboard([by_hand("ewc", THEIRS), by_hand("ewc", THEIRS)])
    assert to_json(once) == to_json(twice)


def test_orders_stand_apart_and_random_ones_together():
    cells = [by_hand("ewc", THEIRS, order=o) for o in ("random-1", "random-2", "reverse", "forward")]
    standings = leaderboard(cells)
    assert [(one.order, len(one.runs)) for one in standings] == [
        ("forward", 1),
        ("reverse", 1),
        ("random", 2),
    ]


def test_only_runs_that_both_have_are_compared():
    standings = leaderboard([by_hand("skillstack", OURS), by_hand("ewc", THEIRS, seed=7)])
    assert all(one.difference is None for one in standings)


def test_tasks_are_matched_by_name_in_whatever_order_they_came():
    turned = dict(reversed(THEIRS.items()))
    (_, theirs) = leaderboard([by_hand("skillstack", OURS), by_hand("ewc", turned)])
    assert theirs.difference.difference == pytest.approx(-0.5)


def test_different_test_rows_cannot_be_compared():
    with pytest.raises(InputError, match="different test rows"):
        leaderboard([by_hand("skillstack", OURS), by_hand("ewc", {"one": "1100", "three": "10"})])


def test_forgetting_is_the_mean_of_the_runs():
    cells = [
        by_hand("ewc", THEIRS, trajectory=((1.0,), (0.5, 0.5))),
        by_hand("ewc", THEIRS, seed=7, trajectory=((1.0,), (0.7, 0.5))),
    ]
    (one,) = leaderboard(cells)
    assert one.forgetting == pytest.approx(0.4)
    assert one.min_acc == pytest.approx(0.6)
    assert one.wc_acc == pytest.approx(0.55)
    assert to_json([one])["methods"][0]["forgetting"] == pytest.approx(0.4)
