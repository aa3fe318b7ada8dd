"""Texts that look like no skill's get a low confidence; texts of the skills keep theirs, and their frame."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from skillstack.evaluation.metrics import calibration
from skillstack.routers.base import SkillSamples, probabilities
from skillstack.routers.calibration import Usual
from skillstack.routers.features import hash_rows
from skillstack.routers.hybrid_chain import HybridChain
from skillstack.routers.hybrid_svm import HybridSVM
from skillstack.routers.state import fit_state
from skillstack.store.rows import Row

from .conftest import read_rows

REFERENCE = Path(__file__).parents[2] / "routers" / "reference"
SKILLS = (
    *("imdb_sentences", "yelp_sentences", "amazon_sentences", "wiki_topics"),
    *("banking", "travel", "home", "work"),
)
STRANGE = [
    Row(text)
    for text in (
        "asdf qwer",
        "lkjsdf oiwer xcvmn",
        "zxcvbnm",
        "wqx jkv pzt ghb mnq",
        "Wie komme ich am schnellsten zum Bahnhof?",
        "Я хочу пойти в кино сегодня вечером",
        "今天天气怎么样",
        "?",
    )
]


def fitted(rows: int, *tasks: str) -> HybridChain:
    """A router of a table each, the first the oldest."""
    return HybridChain(
        fit_state(
            [
                SkillSamples(task, at, hash_rows(read_rows(task, "train")[:rows]))
                for at, task in enumerate(tasks)
            ]
        )
    )


@pytest.fixture(scope="module")
def reference() -> HybridChain:
    """The router that ships with the package."""
    (folder,) = (folder for folder in REFERENCE.iterdir() if folder.is_dir())
    return HybridChain.load(folder)


def confidences(router: HybridSVM, rows: list[Row]) -> np.ndarray:
    return np.array([route.confidence for route in router.route(rows)])


def softmax_alone(router: HybridSVM, rows: list[Row]) -> np.ndarray:
    scores = router.scores(rows)
    return np.array([route.confidence for route in router.decide(scores, np.ones(len(rows)))])


def test_strange_texts_get_a_low_confidence_of_the_reference_stack(reference: HybridChain) -> None:
    assert (confidences(reference, STRANGE) < 0.1).all()


@pytest.mark.parametrize("tasks", [("banking",), ("banking", "travel")])
def test_strange_texts_get_a_low_confidence_of_own_tables(tasks: tuple[str, ...]) -> None:
    router = fitted(60, *tasks)
    assert (confidences(router, STRANGE) < 0.1).all()
    own = [row for task in tasks for row in read_rows(task, "test")[::5]]
    assert confidences(router, own).mean() > 0.85


def test_strange_texts_get_a_low_confidence_where_nothing_is_calibrated() -> None:
    router = fitted(15, "banking", "travel")
    assert not router.calibrated
    assert (confidences(router, STRANGE) < 0.1).all()


@pytest.mark.parametrize("tasks", [("banking",), ("banking", "wiki_topics")])
def test_texts_of_another_subject_get_a_lower_confidence(tasks: tuple[str, ...]) -> None:
    router = fitted(600, *tasks)
    others = read_rows("yelp_sentences", "test")
    own = [row for task in tasks for row in read_rows(task, "test")]
    assert confidences(router, others).mean() < 0.6 < softmax_alone(router, others).mean()
    assert confidences(router, own).mean() > 0.97


def test_texts_of_the_skills_stay_calibrated(reference: HybridChain) -> None:
    rows = [(task, row) for task in SKILLS for row in read_rows(task, "test")[::3]]
    routes = reference.route([row for _, row in rows])
    right = np.array([route.skill == task for route, (task, _) in zip(routes, rows, strict=True)])
    now = calibration([route.confidence for route in routes], right).ece
    alone = calibration(softmax_alone(reference, [row for _, row in rows]), right).ece
    assert now <= alone + 0.005


def test_the_choice_is_that_of_the_scores_alone(reference: HybridChain) -> None:
    rows = [*STRANGE, *(row for task in SKILLS for row in read_rows(task, "test")[::10])]
    plain = reference.decide(reference.scores(rows), np.ones(len(rows)))
    for found, expected in zip(reference.route(rows), plain, strict=True):
        for name in ("skill", "score", "accepted", "fallback", "depth", "ranking"):
            assert getattr(found, name) == getattr(expected, name)
        assert 0.0 <= found.confidence <= expected.confidence


def test_a_confidence_is_the_same_whatever_stands_beside_the_text(reference: HybridChain) -> None:
    rows = [*STRANGE, *read_rows("home", "test")[:20]]
    together = confidences(reference, rows)
    assert together.tolist() == [confidences(reference, [row])[0] for row in rows]


def test_familiarity_is_none_for_unknown_words_alone(reference: HybridChain) -> None:
    weighting = reference.state.model.weighting
    unknown, known = weighting.familiarity(hash_rows([Row("今天天气"), Row("the food was good")]))
    assert unknown < 0.1 < 0.5 < known < 1.0
    assert weighting.familiarity(hash_rows([])).shape == (0,)


def test_trust_falls_below_the_usual_values() -> None:
    usual = Usual(lowest=1.0, median=3.0)
    assert usual.trust(np.array([0.5, 0.75, 1.0])).tolist() == [0.0, 0.5, 1.0]


def test_a_state_of_an_older_fit_has_the_softmax_alone(reference: HybridChain) -> None:
    old = replace(reference.state.calibration, score=None, familiarity=None)
    router = HybridSVM(replace(reference.state, calibration=old))
    shares = probabilities(router.scores(STRANGE), router.temperature)
    assert confidences(router, STRANGE).tolist() == shares.max(axis=1).tolist()
