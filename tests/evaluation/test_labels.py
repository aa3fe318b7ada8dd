"""Each label has its precision, recall and F1, and rows are counted by right and given label."""

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from skillstack.evaluation.labels import LabelConfusion, LabelScore
from skillstack.evaluation.metrics import macro_f1


def confused(labels, right, given):
    return LabelConfusion.of(labels, np.array(right, np.int64), np.array(given, np.int64))


def test_scores_are_those_of_scikit_learn():
    rng = np.random.default_rng(3)
    right, given = rng.integers(0, 5, 200), rng.integers(0, 5, 200)
    found = confused("abcde", right, given)
    assert found.counts == tuple(map(tuple, confusion_matrix(right, given).tolist()))
    wanted = np.array(precision_recall_fscore_support(right, given)).T
    scores = [(one.precision, one.recall, one.f1, one.support) for one in found.scores]
    assert np.allclose(scores, wanted)


def test_the_mean_f1_of_the_labels_that_occur_is_macro_f1():
    right, given = [0, 0, 1, 1, 1], [0, 1, 1, 1, 0]
    found = confused("abc", right, given)
    assert np.mean([one.f1 for one in found.worst]) == pytest.approx(macro_f1(right, given, 3))


def test_what_cannot_be_divided_is_none_and_not_zero():
    found = confused("abc", [0, 0], [0, 1])
    assert found.scores == (
        LabelScore("a", 1.0, 0.5, 2 / 3, 2),
        LabelScore("b", 0.0, None, 0.0, 0),
        LabelScore("c", None, None, None, 0),
    )


def test_the_worst_label_comes_first_and_one_that_does_not_occur_is_left_out():
    found = confused(["good", "bad", "absent", "worse"], [0, 0, 1, 1, 3], [0, 0, 1, 3, 1])
    assert [one.label for one in found.worst] == ["worse", "bad", "good"]


def test_mistakes_are_pairs_of_labels_the_most_frequent_first():
    found = confused(["a", "b"], [0, 0, 0, 1, 1], [1, 1, 0, 0, 1])
    assert found.mistakes == (("a", "b", 2, 3), ("b", "a", 1, 2))


def test_without_rows_nothing_is_said_of_any_label():
    found = confused(["a", "b"], [], [])
    assert found.worst == found.mistakes == ()


@pytest.mark.parametrize(("right", "given"), [([0], [0, 1]), ([0], [2]), ([-1], [0])])
def test_answers_that_are_not_one_label_a_row_are_refused(right, given):
    with pytest.raises(ValueError, match=r"one row each|none of 2 classes"):
        confused("ab", right, given)


def test_an_evaluation_has_every_label_of_every_task(evaluation):
    for task, document in zip(evaluation.tasks, evaluation.to_json()["tasks"], strict=True):
        assert [one["label"] for one in document["per_label"]] == list(task.labels)
        assert document["confusion"]["labels"] == list(task.labels)
        counts = document["confusion"]["counts"]
        assert sum(map(sum, counts)) == task.n == sum(one["support"] for one in document["per_label"])
        right = sum(counts[place][place] for place in range(len(counts)))
        assert right == document["task_aware"]["correct"]
