"""The closed form does not depend on the order, and is the joint solution."""

import numpy as np
import pytest

from skillstack.continual.methods import exact_ridge
from skillstack.continual.methods.exact_ridge import projection, ridge, widened


@pytest.fixture(autouse=True)
def narrow(monkeypatch):
    """Fewer random features, for speed."""
    monkeypatch.setattr(exact_ridge, "WIDTH", 64)


def test_the_order_of_the_tasks_does_not_matter(room):
    forward = room.learner("exact-ridge")
    backward = room.learner("exact-ridge", "banking", "imdb_sentences")
    for one, other in zip(room.order(), room.order("banking", "imdb_sentences")[::-1], strict=True):
        np.testing.assert_allclose(
            forward.logits(one.number, one.dev), backward.logits(other.number, other.dev), atol=1e-5
        )


def test_it_is_the_joint_ridge_regression(room):
    from sklearn.linear_model import Ridge

    learner = room.learner("exact-ridge", ridge=10.0)
    wide, wanted, first = [], [], 0
    classes = sum(task.labels for task in room.order())
    for task in room.order():
        directions = projection(32, room.recipe.seed)
        wide.append(widened(task.train.bare(room.slot), directions, decoder=False))
        wanted.append(np.eye(classes)[np.array(task.train.labels) + first])
        first += task.labels
    joint = Ridge(alpha=10.0, fit_intercept=False).fit(np.concatenate(wide), np.concatenate(wanted))
    np.testing.assert_allclose(learner.weights, joint.coef_.T, atol=1e-6)


def test_a_task_sees_its_own_columns_of_all_classes(room):
    learner, (first, second) = room.learner("exact-ridge"), room.order()
    everything = learner.logits_of_all(second.dev)
    assert everything.shape[1] == first.labels + second.labels
    np.testing.assert_array_equal(learner.logits(1, second.dev), everything[:, first.labels :])


def test_the_closed_form_by_hand():
    rows, wanted = np.array([[1.0, 0.0], [0.0, 2.0]]), np.array([[1.0], [1.0]])
    np.testing.assert_allclose(ridge(rows.T @ rows, rows.T @ wanted, 1.0), [[1 / 2], [2 / 5]])
