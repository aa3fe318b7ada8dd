"""Forgetting and the worst case, by hand on small sequences and for any of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillstack.evaluation.metrics import Forgetting, WorstCase, forgetting, worst_case

SHARES = st.floats(0, 1)
MATRICES = st.integers(1, 6).flatmap(
    lambda steps: st.tuples(
        *(st.lists(SHARES, min_size=step + 1, max_size=step + 1) for step in range(steps))
    )
)


def test_forgetting_has_a_sign_and_leaves_the_last_task_out() -> None:
    found = forgetting([0.9, 0.8, 0.7], [0.5, 0.9, 0.7])
    assert found.per_task == (pytest.approx(0.4), pytest.approx(-0.1), None)
    assert found.mean == pytest.approx((0.4 - 0.1) / 2)


def test_of_one_task_nothing_can_be_forgotten_as_nothing_came_after_it() -> None:
    assert forgetting([0.9], [0.9]) == Forgetting((None,), None)
    assert forgetting([], []) == Forgetting((), None)


def test_of_tasks_that_were_learned_together_none_came_after_another() -> None:
    found = forgetting([0.9, 0.8, 0.7], [0.5, 0.9, 0.7], last=2)
    assert found == Forgetting((pytest.approx(0.4), None, None), pytest.approx(0.4))
    assert forgetting([0.9, 0.8], [0.5, 0.9], last=0).mean == pytest.approx((0.4 - 0.1) / 2)
    assert forgetting([0.9, 0.8], [0.5, 0.9], last=2) == Forgetting((None, None), None)


def test_both_sides_have_the_same_tasks() -> None:
    with pytest.raises(ValueError):
        forgetting([0.9, 0.8], [0.9])


@given(st.lists(st.tuples(SHARES, SHARES), min_size=2, max_size=8))
def test_the_mean_is_between_the_best_and_the_worst_task(tasks: list[tuple[float, float]]) -> None:
    found = forgetting([then for then, _ in tasks], [now for _, now in tasks])
    earlier = found.per_task[:-1]
    assert min(earlier) - 1e-12 <= found.mean <= max(earlier) + 1e-12
    assert forgetting([then for then, _ in tasks], [then for then, _ in tasks]).mean == 0.0


def test_the_worst_case_by_hand() -> None:
    # Task 0 falls to 0.3 after step 1 and recovers; task 1 was 0.6 when learned, which is not after it: 0.7.
    found = worst_case([[0.9], [0.3, 0.6], [0.8, 0.7, 0.5]])
    assert found.min_acc == pytest.approx((0.3 + 0.7) / 2)
    assert found.wc_acc == pytest.approx(0.5 / 3 + (1 - 1 / 3) * 0.5)


def test_a_single_task_has_none_before_it() -> None:
    assert worst_case([[0.9]]) == WorstCase(None, 0.9)


def test_tasks_of_later_are_not_looked_at() -> None:
    assert worst_case([[0.9, 0.1, 0.2], [0.4, 0.8, 0.3]]) == worst_case([[0.9], [0.4, 0.8]])


@given(MATRICES)
def test_it_is_the_definition_of_the_paper_and_never_above_the_final_mean(matrix: list[list[float]]) -> None:
    found, tasks = worst_case(matrix), len(matrix)
    final = matrix[-1]
    if found.min_acc is not None:
        assert found.min_acc <= sum(final[:-1]) / (tasks - 1) + 1e-12
        assert found.wc_acc == pytest.approx(final[-1] / tasks + (1 - 1 / tasks) * found.min_acc)
    assert found.wc_acc <= sum(final) / tasks + 1e-12


def test_a_step_must_know_what_was_learned_by_then() -> None:
    for matrix in ([], [[]], [[0.9], [0.4]]):
        with pytest.raises(ValueError):
            worst_case(matrix)
