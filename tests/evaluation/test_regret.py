"""Where regret comes from: the split adds up, by hand and for any rows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillstack.evaluation.metrics import Mask, Regret, accuracy, regret

Masks = tuple[Mask, Mask, Mask]


def _masks(rows: list[tuple[bool, bool, bool]]) -> Masks:
    aware = np.array([row[0] for row in rows], np.bool_)
    own = np.array([row[2] for row in rows], np.bool_)
    return aware, np.where(own, aware, np.array([row[1] for row in rows], np.bool_)), own


ROWS = st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans()), max_size=60).map(_masks)


def test_by_hand() -> None:
    aware = np.array([True, False, True, True, True, False, False])
    routed = np.array([True, False, False, False, True, True, False])
    own = np.array([True, True, False, False, False, False, False])
    assert regret(aware, routed, own) == Regret(
        n=7,
        difference=1 / 7,
        wrong_skill_wrong_answer=3,
        wrong_skill_right_answer=2,
        right_skill_wrong_answer=1,
        right_skill_right_answer=1,
        lost=2,
        gained=1,
    )


@given(ROWS)
def test_the_split_adds_up(masks: Masks) -> None:
    aware, routed, own = masks
    found = regret(aware, routed, own)
    split = found.wrong_skill_right_answer + found.right_skill_right_answer
    rest = found.wrong_skill_wrong_answer + found.right_skill_wrong_answer
    assert split + rest == found.n == len(own)
    if found.n:
        assert accuracy(routed) == split / found.n
        assert found.difference == (found.lost - found.gained) / found.n
        assert found.difference == pytest.approx(accuracy(aware) - accuracy(routed))
    assert found.lost <= found.wrong_skill_wrong_answer
    assert found.gained <= found.wrong_skill_right_answer


def test_a_router_that_is_always_right_leaves_no_regret() -> None:
    aware = np.array([True, False, True])
    found = regret(aware, aware, np.ones(3, np.bool_))
    assert (found.difference, found.lost, found.gained) == (0.0, 0, 0)


def test_one_skill_cannot_be_right_and_wrong_about_a_row() -> None:
    with pytest.raises(ValueError, match="differs"):
        regret(np.array([True]), np.array([False]), np.array([True]))
    with pytest.raises(ValueError, match="same"):
        regret(np.array([True]), np.array([True, True]), np.array([True]))
