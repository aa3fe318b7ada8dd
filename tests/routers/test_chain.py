"""The chain rule reads scores from the newest frame to its parents."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from skillstack.routers.calibration import CLEARLY, Chain

#: A newest frame that is sure; one that another is clearly above; a near tie; nobody who is sure.
SCORES = np.array([[0.1, 0.2, 0.8], [0.9, -0.5, 0.3], [0.9, 0.6, 0.85], [-0.3, -0.2, -0.9]], np.float32)


def test_the_newest_frame_that_is_sure_enough_answers() -> None:
    choices = Chain.of(SCORES, [0, 1, 2]).choose(0.25)
    assert choices.skills.tolist() == [2, 0, 2, 1]
    assert choices.accepted.tolist() == [True, True, True, False]
    assert choices.depths.tolist() == [1, 3, 1, 3]


def test_a_frame_does_not_answer_where_another_scores_clearly_higher() -> None:
    wide = Chain.of(SCORES, [0, 1, 2]).choose(-1.0)
    assert wide.skills.tolist() == [2, 0, 2, 1]
    assert wide.depths.tolist() == [1, 3, 1, 2]


def test_skills_of_one_frame_are_asked_together() -> None:
    choices = Chain.of(SCORES, [0, 1, 1]).choose(0.15)
    assert choices.skills.tolist() == [2, 0, 2, 1]
    assert choices.depths.tolist() == [1, 2, 1, 2]


def test_beyond_the_depth_only_the_best_score_counts() -> None:
    choices = Chain.of(SCORES, [0, 1, 2]).choose(0.25, depth=1)
    assert choices.skills.tolist() == [2, 0, 2, 1]
    assert choices.accepted.tolist() == [True, False, True, False]
    assert choices.depths.tolist() == [1, 3, 1, 3]


@given(
    arrays(np.float32, (5, 4), elements=st.floats(-2, 2, width=32)),
    st.lists(st.integers(0, 3), min_size=4, max_size=4).map(sorted),
    st.floats(-2.5, 2.5),
    st.integers(1, 5) | st.none(),
)
def test_the_rule_is_the_one_described(
    scores: np.ndarray, frames: list[int], threshold: float, depth: int | None
) -> None:
    choices = Chain.of(scores, frames).choose(threshold, depth)
    newest_first = sorted(set(frames), reverse=True)
    for row, skill, accepted, looked in zip(
        scores, choices.skills, choices.accepted, choices.depths, strict=True
    ):
        best = {f: max(row[i] for i in range(4) if frames[i] == f) for f in newest_first}
        lowest = max(threshold, row.max() - CLEARLY)
        taken = [f for f in newest_first[:depth] if best[f] > np.float32(lowest)]
        assert accepted == bool(taken)
        assert row[skill] == (best[taken[0]] if taken else row.max())
        assert looked == (newest_first.index(taken[0]) + 1 if taken else len(newest_first))
