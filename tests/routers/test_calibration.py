"""Confidence and threshold come from rows that the scores were not fitted on."""

from dataclasses import replace

import numpy as np
import pytest

from skillstack.routers.base import Parameters, SkillSamples, probabilities
from skillstack.routers.calibration import (
    NEUTRAL,
    TOLERANCE,
    Chain,
    fit_temperature,
    out_of_fold,
    safe_threshold,
)
from skillstack.routers.features import hash_rows
from skillstack.routers.hybrid_svm import HybridSVM
from skillstack.routers.state import RouterState, fit_state
from skillstack.routers.svm import TrainingSet
from skillstack.store.rows import Row


def test_probabilities_add_up_and_follow_the_scores() -> None:
    found = probabilities(np.array([[2.0, 1.0, 0.0], [1e4, 0.0, -1e4]], np.float32), 0.5)
    assert found.sum(axis=1) == pytest.approx([1, 1])
    assert found[0].tolist() == sorted(found[0], reverse=True)


def test_the_temperature_that_made_the_answers_is_found() -> None:
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(20_000, 4)).astype(np.float32)
    chances = probabilities(scores, 0.4)
    own = (chances.cumsum(axis=1) > rng.random((len(scores), 1))).argmax(axis=1)
    assert fit_temperature(scores, own) == pytest.approx(0.4, rel=0.1)


def test_the_threshold_costs_almost_nothing_and_lies_among_right_scores(
    samples: tuple[SkillSamples, ...],
) -> None:
    training = TrainingSet.of(samples)
    scores = out_of_fold(training, 4, Parameters())
    assert scores is not None
    chain = Chain.of(scores, [3, 2, 1, 0])
    right = scores.argmax(axis=1) == training.labels
    threshold = safe_threshold(chain, training.labels, scores, int(right.sum()))
    chosen = chain.choose(threshold)
    assert (chosen.skills == training.labels).sum() >= right.sum() - TOLERANCE * len(scores)
    assert 0.8 < chosen.accepted[right].mean() < 0.95


def test_out_of_fold_accuracy_foretells_that_on_new_texts(
    state: RouterState, held_rows: dict[str, list[Row]]
) -> None:
    calibration = state.calibration
    router = HybridSVM(state)
    hits = [r.skill == task for task, rows in held_rows.items() for r in router.route(rows)]
    assert calibration.calibrated
    assert calibration.n == 256
    assert calibration.correct / calibration.n == pytest.approx(np.mean(hits), abs=0.06)


def test_mean_confidence_is_close_to_accuracy(state: RouterState, held_rows: dict[str, list[Row]]) -> None:
    results = [(task, r) for task, rows in held_rows.items() for r in HybridSVM(state).route(rows)]
    accuracy = np.mean([task == r.skill for task, r in results])
    assert np.mean([r.confidence for _, r in results]) == pytest.approx(accuracy, abs=0.08)


def test_few_rows_are_not_taken_for_evidence(samples: tuple[SkillSamples, ...]) -> None:
    few = [SkillSamples(s.skill, s.frame, s.rows.take(np.arange(5, dtype=np.int64))) for s in samples]
    assert replace(fit_state(few).calibration, familiarity=None) == NEUTRAL
    assert replace(fit_state(samples[:1]).calibration, familiarity=None) == NEUTRAL


def test_a_skill_whose_rows_are_all_equal_is_not_calibrated(samples: tuple[SkillSamples, ...]) -> None:
    same = SkillSamples("same", 1, hash_rows([Row("the same text again")] * 30))
    assert replace(fit_state([samples[0], same]).calibration, familiarity=None) == NEUTRAL


def test_a_few_rows_without_a_mistake_are_no_certainty() -> None:
    scores = np.tile(np.array([[1.0, -1.0]], np.float32), (20, 1))
    temperature = fit_temperature(scores, np.zeros(20, np.int64))
    sure = probabilities(np.array([[1.0, -1.0]], np.float32), temperature)[0, 0]
    unsure = probabilities(np.array([[0.08, -0.08]], np.float32), temperature)[0, 0]
    assert 0.9 < sure < 0.99
    assert unsure < 0.65
