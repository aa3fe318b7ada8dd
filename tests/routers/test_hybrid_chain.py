"""The newest frame that is sure enough answers."""

import numpy as np
import pytest

from skillstack.errors import UsageError
from skillstack.routers.base import SkillSamples
from skillstack.routers.hybrid_chain import HybridChain
from skillstack.routers.hybrid_svm import HybridSVM
from skillstack.routers.state import RouterState
from skillstack.store.rows import Row

CARD = Row("please block my credit card, i lost it")


def test_the_newest_skill_is_accepted_after_one_look(state: RouterState) -> None:
    (result,) = HybridChain(state).route([Row("is there a travel alert for my flight to mexico")])
    assert (result.skill, result.depth, result.accepted, result.fallback) == ("travel", 1, True, False)
    assert result.router == "hybrid_chain"


def test_an_older_skill_takes_more_looks(state: RouterState) -> None:
    (result,) = HybridChain(state).route([CARD])
    assert (result.skill, result.depth, result.accepted) == ("banking", 2, True)


def test_without_a_score_above_the_threshold_the_best_of_all_answers(state: RouterState) -> None:
    (result,) = HybridChain(state, threshold=9.0).route([CARD])
    assert (result.skill, result.depth, result.accepted, result.fallback) == ("banking", 4, False, True)


def test_depth_limits_who_may_accept(state: RouterState) -> None:
    (result,) = HybridChain(state, depth=1).route([CARD])
    assert (result.skill, result.fallback, result.depth) == ("banking", True, 4)


def test_the_automatic_threshold_costs_next_to_nothing(
    state: RouterState, held_rows: dict[str, list[Row]]
) -> None:
    rows = [row for rows in held_rows.values() for row in rows]
    right = [task for task, rows in held_rows.items() for _ in rows]
    chain, best = (
        np.mean([r.skill == task for r, task in zip(router.route(rows), right, strict=True)])
        for router in (HybridChain(state), HybridSVM(state))
    )
    assert HybridChain(state).threshold == state.calibration.threshold
    assert chain >= best - 0.02


def test_options_survive_a_new_fit(samples: tuple[SkillSamples, ...]) -> None:
    smaller = HybridChain(
        HybridSVM.fit(samples[:3]).state, threshold=0.5, depth=2, samples=samples[:3]
    ).remove(samples[0].skill)
    assert (smaller.threshold, smaller.depth, smaller.skills) == (0.5, 2, ("wiki_topics", "banking"))


@pytest.mark.parametrize("options", [{"depth": 0}, {"threshold": float("nan")}])
def test_impossible_options_are_refused(state: RouterState, options: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        HybridChain(state, **options)
