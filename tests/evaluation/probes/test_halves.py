"""What is chosen on some texts is measured on others."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillstack.errors import InputError
from skillstack.evaluation.probes.probing import choose, halves, in_order
from skillstack.evaluation.questions import SkillQuestions, ask

YES, NO = np.ones(4, dtype=bool), np.zeros(4, dtype=bool)
PART = np.array([0, 1, 0, 1])


@pytest.fixture
def sitting(asked):
    frame = asked.frame("imdb_sentences")
    questions = ask(frame.skills[0], per_class=5)
    return SkillQuestions(frame, frame.skills[0], questions, asked.route(questions.rows))


def test_each_half_is_answered_by_what_is_best_on_the_other():
    first, second = np.array([1, 0, 1, 0], dtype=bool), np.array([0, 1, 0, 1], dtype=bool)
    found = choose([[first], [second]], [PART])
    # The first is right on half 0 alone, so it is chosen for half 1, where it is wrong; and the other way.
    assert found.by_half == (1, 0)
    assert not found.right[0].any()
    assert found.optimistic == 0.5


def test_a_candidate_that_is_best_everywhere_answers_everything():
    found = choose([[NO, NO], [YES, YES]], [PART, PART])
    assert found.by_half == (1, 1) and found.best == 1 and found.optimistic == 1
    assert all(mask.all() for mask in found.right)


def test_one_candidate_is_its_own_rival():
    found = choose([[PART == 0]], [PART])
    assert found.right[0].tolist() == (PART == 0).tolist() and found.best == 0


@given(st.integers(1, 4), st.integers(2, 9), st.data())
def test_each_answer_is_some_candidates_and_none_is_lost(count, rows, data):
    draw = st.lists(st.booleans(), min_size=rows, max_size=rows)
    masks = [[np.array(data.draw(draw))] for _ in range(count)]
    part = np.arange(rows) % 2
    found = choose(masks, [part])
    for half in (0, 1):
        chosen = masks[found.by_half[half]][0]
        assert found.right[0][part == half].tolist() == chosen[part == half].tolist()
    assert found.optimistic == max(mask[0].mean() for mask in masks)


def test_halves_are_equal_and_follow_from_texts_and_seed(sitting):
    part = halves(sitting, 0)
    assert sorted(part.tolist()) == [0] * 5 + [1] * 5
    assert part.tolist() == halves(sitting, 0).tolist() != halves(sitting, 1).tolist()
    backwards = sitting.take(range(9, -1, -1))
    assert halves(backwards, 0).tolist() == part.tolist()[::-1]


def test_the_order_of_texts_is_a_permutation(sitting):
    assert sorted(in_order(sitting, 3)) == list(range(10))


def test_one_text_is_too_few(sitting):
    with pytest.raises(InputError, match="one test text of 'imdb_sentences'"):
        halves(sitting.take([0]), 0)
