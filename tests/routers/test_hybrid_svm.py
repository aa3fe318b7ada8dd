"""The best score wins; skills can be added and removed."""

import numpy as np
import pytest

from skillstack.errors import UsageError
from skillstack.routers.base import SkillSamples
from skillstack.routers.hybrid_svm import HybridSVM
from skillstack.routers.state import RouterState
from skillstack.store.rows import Row


def test_a_plain_sentence_finds_its_skill(state: RouterState) -> None:
    (result,) = HybridSVM(state).route([Row("please block my credit card, i lost it")])
    assert result.skill == "banking"
    assert result.ranking[0].skill == "banking"
    assert result.score == result.ranking[0].score
    assert [r.score for r in result.ranking] == sorted((r.score for r in result.ranking), reverse=True)
    assert {r.skill for r in result.ranking} == set(state.skills)
    assert result.accepted
    assert not result.fallback
    assert result.depth == 4
    assert result.calibrated
    assert 0.5 < result.confidence < 1
    assert result.router == "hybrid_svm"


def test_most_new_texts_find_their_skill(state: RouterState, held_rows: dict[str, list[Row]]) -> None:
    router = HybridSVM(state)
    hits = [r.skill == task for task, rows in held_rows.items() for r in router.route(rows)]
    assert np.mean(hits) > 0.85


def test_no_rows_have_no_answers(state: RouterState) -> None:
    assert HybridSVM(state).route([]) == []
    assert HybridSVM(state).scores([]).shape == (0, 4)


def test_a_single_skill_always_answers(samples: tuple[SkillSamples, ...]) -> None:
    router = HybridSVM.fit(samples[:1])
    (result,) = router.route([Row("anything at all")])
    assert (result.skill, result.confidence, result.calibrated) == (samples[0].skill, 1.0, False)


def test_adding_and_removing_is_fitting_anew(
    samples: tuple[SkillSamples, ...], held_rows: dict[str, list[Row]]
) -> None:
    rows = held_rows["banking"]
    three = HybridSVM.fit(samples[:3])
    grown = three.add(samples[3])
    assert grown.state.inputs == HybridSVM.fit(samples).state.inputs
    shrunk = grown.remove(samples[3].skill)
    assert shrunk.skills == three.skills
    assert (shrunk.scores(rows) == three.scores(rows)).all()
    assert grown.skills == tuple(s.skill for s in samples)


def test_removing_needs_a_known_skill_and_samples(
    state: RouterState, samples: tuple[SkillSamples, ...]
) -> None:
    with pytest.raises(UsageError, match="banking"):
        HybridSVM(state, samples=samples).remove("bankin")
    with pytest.raises(UsageError, match="without the samples"):
        HybridSVM(state).remove("banking")
    with pytest.raises(UsageError, match="at least one skill"):
        HybridSVM(state, samples=samples[:1]).remove(samples[0].skill)
