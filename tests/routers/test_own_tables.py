"""Skills of one's own tables: the chain rule is never more than a point behind the plain best score."""

import random

import numpy as np
import pytest

from skillstack.routers.base import SkillSamples
from skillstack.routers.features import HashedRows, hash_rows
from skillstack.routers.hybrid_chain import HybridChain
from skillstack.routers.hybrid_svm import HybridSVM
from skillstack.routers.state import RouterState, fit_state

from .conftest import read_rows

GROUPS = (
    ("wiki_topics", "banking"),
    ("imdb_sentences", "travel"),
    ("home", "work", "wiki_topics"),
    ("banking", "yelp_sentences", "home", "travel"),
    (
        "imdb_sentences",
        "yelp_sentences",
        "amazon_sentences",
        "wiki_topics",
        "banking",
        "travel",
        "home",
        "work",
    ),
)


def table(task: str, split: str, count: int) -> HashedRows:
    """Some rows of a task, drawn at random as a person's own table would hold them."""
    rows = read_rows(task, split)
    random.Random(1).shuffle(rows)
    return hash_rows(rows[:count])


def state_of(tasks: tuple[str, ...], rows: int) -> RouterState:
    """A router of a table each, the first the oldest."""
    return fit_state([SkillSamples(task, at, table(task, "train", rows)) for at, task in enumerate(tasks)])


@pytest.mark.parametrize("rows", [10, 40, 60, 100, 300])
def test_the_chain_is_never_more_than_a_point_behind_the_best_score(rows: int) -> None:
    for group in GROUPS[: 4 if rows == 300 else 5]:
        right: dict[str, list[bool]] = {"chain": [], "best": []}
        for tasks in (group, group[::-1]):
            samples = [
                SkillSamples(task, place, table(task, "train", rows)) for place, task in enumerate(tasks)
            ]
            state = fit_state(samples)
            for name, router in (("chain", HybridChain(state)), ("best", HybridSVM(state))):
                for task in tasks:
                    scores = state.model.scores(table(task, "test", 60))
                    right[name] += [
                        found.skill == task for found in router.decide(scores, np.ones(len(scores)))
                    ]
        assert np.mean(right["chain"]) >= np.mean(right["best"]) - 0.01, (rows, group)


def test_a_text_in_other_words_goes_to_the_frame_that_scores_higher() -> None:
    state = state_of(GROUPS[0], 100)
    chain = HybridChain(state)
    scores = np.array([[0.64, -0.64], [-0.6, -0.64], [0.26, 0.02]], np.float32)
    assert [found.skill for found in chain.decide(scores, np.ones(3))] == ["wiki_topics"] * 3
    assert state.calibration.threshold > -0.5
