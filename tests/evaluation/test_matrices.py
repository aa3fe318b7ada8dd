"""Every frame on every task: the best one alone, and what families do for each other."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillstack.evaluation.probes.redundancy import best_single, family_matrix

ACCURACIES = [
    [0.9, 0.8, 0.2],
    [0.6, 0.9, 0.4],
    [0.3, 0.1, 0.7],
]
SQUARES = st.integers(1, 5).flatmap(
    lambda size: st.lists(
        st.lists(st.floats(0, 1), min_size=size, max_size=size), min_size=size, max_size=size
    )
)


def test_the_best_single_frame_has_the_highest_mean_and_is_the_first_of_equals() -> None:
    found = best_single(ACCURACIES)
    assert found.index == 0
    assert found.value == pytest.approx(1.9 / 3)
    assert best_single([[0.5, 0.5], [0.75, 0.25]]).index == 0


def test_families_by_hand() -> None:
    found = family_matrix(ACCURACIES, ["mood", "mood", "topic"], ["mood", "mood", "topic"])
    assert found.families == ("mood", "topic")
    # Mood on mood: 0.8 and 0.6 alone, the own cells of 0.9 are left out. Topic has but its own.
    assert found.matrix[0] == pytest.approx(((0.8 + 0.6) / 2, (0.2 + 0.4) / 2))
    assert found.matrix[1] == pytest.approx(((0.3 + 0.1) / 2, 0.7))
    assert found.own == (False, True)


def test_a_frame_of_two_skills_says_which_are_its_own() -> None:
    own = np.array([[True, True, False], [False, False, True]])
    found = family_matrix(
        [[0.9, 0.8, 0.3], [0.5, 0.7, 0.6]], ["mood", "mood"], ["mood", "topic", "mood"], own=own
    )
    assert found.families == ("mood", "topic")
    assert found.matrix[0] == pytest.approx(((0.3 + 0.5) / 2, 0.7))
    assert found.matrix[1] == (None, None)
    assert found.own == (False, False)


@given(SQUARES)
def test_where_each_frame_is_a_family_nothing_is_averaged(cells: list[list[float]]) -> None:
    names = [f"family {number}" for number in range(len(cells))]
    found = family_matrix(cells, names, names)
    assert [list(row) for row in found.matrix] == cells
    assert all(found.own)


@given(SQUARES.filter(lambda cells: len(cells) > 1))
def test_own_cells_do_not_count_where_there_are_others(cells: list[list[float]]) -> None:
    names = ["one"] * len(cells)
    found = family_matrix(cells, names, names)
    flawless = [
        [1.0 if row == column else cell for column, cell in enumerate(line)] for row, line in enumerate(cells)
    ]
    assert family_matrix(flawless, names, names) == found
    assert found.own == (False,)


@given(SQUARES)
def test_the_best_single_frame_is_no_worse_than_any(cells: list[list[float]]) -> None:
    found = best_single(cells)
    assert all(found.value >= np.mean(row) - 1e-12 for row in cells)
    assert found.value == pytest.approx(np.mean(cells[found.index]))


def test_what_is_no_matrix_of_accuracies_is_refused() -> None:
    for cells in ([], [[]], [0.5, 0.5], [[0.5, float("nan")]], [[1.5, 0.5]]):
        with pytest.raises(ValueError):
            best_single(cells)
    with pytest.raises(ValueError, match="one each"):
        family_matrix([[0.5, 0.5]], ["mood"], ["mood", "topic"])
    with pytest.raises(ValueError):
        family_matrix(ACCURACIES, ["mood"], ["mood"])
    with pytest.raises(ValueError):
        family_matrix(ACCURACIES, ["a"] * 3, ["a"] * 3, own=np.ones((2, 3), np.bool_))


def test_what_was_not_measured_does_not_count() -> None:
    cells = [[0.9, 0.0, 0.5], [0.0, 0.8, 0.0], [0.7, 0.0, 0.6]]
    known = np.array([[True, False, True], [False, True, False], [True, False, True]])
    families = ["mood", "topic", "mood"]
    found = family_matrix(cells, families, families, known=known)
    assert found.matrix == (((0.5 + 0.7) / 2, None), (None, 0.8))
    assert found.own == (False, True)
    # A family of which only own cells were measured keeps them, and is marked.
    found = family_matrix(cells, families, families, known=np.eye(3, dtype=np.bool_))
    assert found.matrix[0][0] == pytest.approx((0.9 + 0.6) / 2) and found.own == (True, True)
    nothing = family_matrix(cells, families, families, known=np.zeros((3, 3), np.bool_))
    assert nothing.matrix == ((None, None), (None, None)) and nothing.own == (False, False)
    with pytest.raises(ValueError, match="known cells"):
        family_matrix(cells, families, families, known=np.ones((2, 3), np.bool_))
