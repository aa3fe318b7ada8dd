"""The answer in short: nothing is called beaten that is not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from skillstack.evaluation.intervals import Interval
from skillstack.evaluation.metrics import macro
from skillstack.evaluation.statistics import Paired
from skillstack.reports.verdict import outcome, verdict

from .world import SKILL, evaluation


def difference(value: float, low: float, high: float, p: float) -> Paired:
    return Paired(100, 5, 3, value, Interval(low, high), p)


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        (difference(0.1, 0.05, 0.15, 0.001), "beaten"),
        (difference(-0.1, -0.15, -0.05, 0.001), "ahead"),
        (difference(0.01, -0.02, 0.04, 0.4), "undecided"),
        # Where the interval and the test tell different stories, nothing is claimed.
        (difference(0.03, 0.001, 0.06, 0.2), "undecided"),
        (difference(0.03, -0.001, 0.06, 0.01), "undecided"),
    ],
)
def test_test_and_interval_have_to_agree(found, wanted):
    assert outcome(found) == wanted


def test_a_stack_that_beats_all_baselines_says_yes_and_by_how_much():
    found = verdict(evaluation(skill=SKILL | {"task_aware": 0.97}))
    assert found.headline.startswith("Yes: ")
    assert [baseline.mode for baseline in found.baselines] == [
        "frozen_linear",
        "latest_adapter",
        "majority_class",
    ]
    assert all(baseline.outcome == "beaten" for baseline in found.baselines)
    assert any(s.startswith("It beats a linear head on the frozen base") for s in found.sentences)


def test_a_baseline_that_is_as_good_is_named_as_not_beaten():
    found = verdict(evaluation(skill=SKILL | {"frozen_linear": 0.86}))
    assert found.headline == "Not shown: a linear head on the frozen base is not beaten."
    assert any("does not beat a linear head" in s and "chance" in s for s in found.sentences)


def test_a_baseline_that_is_better_makes_it_a_no():
    found = verdict(evaluation(skill=SKILL | {"task_aware": 0.6, "frozen_linear": 0.95}))
    assert found.headline == "No: a linear head on the frozen base is better than the routed stack."
    assert found.baselines[0].outcome == "ahead"


def lacking(e, mode, why="No rows."):
    """The same evaluation, where the first task lacks a way to answer."""
    first, *others = e.tasks
    answers = {name: found for name, found in first.answers.items() if name != mode}
    tasks = (replace(first, answers=answers, unmeasured={mode: why}), *others)
    score = e.modes[mode]
    fewer = replace(
        score,
        accuracy=macro([task.answers[mode].count.accuracy for task in others]),
        n=sum(task.n for task in others),
        tasks=len(others),
    )
    differences = {pair: found for pair, found in e.differences.items() if mode not in pair}
    return replace(e, tasks=tasks, modes={**e.modes, mode: fewer}, differences=differences)


def test_a_yes_needs_the_linear_head_on_every_task():
    found = verdict(lacking(evaluation(skill=SKILL | {"task_aware": 0.97}), "frozen_linear"))
    assert found.headline.startswith("It cannot be said: a linear head on the frozen base could not be")
    baseline = next(one for one in found.baselines if one.mode == "frozen_linear")
    assert (baseline.whole, baseline.score.tasks, baseline.routed.n) == (False, 2, 160)
    assert any("%, on the 2 of 3 tasks" in s or "% on the 2 of 3 tasks" in s for s in found.sentences)
    assert found.to_json()["rivals"][found.baselines.index(baseline)]["tasks"] == 2


def test_a_no_says_on_how_many_tasks():
    found = verdict(
        lacking(evaluation(skill=SKILL | {"task_aware": 0.6, "frozen_linear": 0.95}), "frozen_linear")
    )
    wanted = (
        "No: a linear head on the frozen base is better than the routed stack on the 2 tasks where it was"
    )
    assert found.headline == f"{wanted} measured."


def test_baselines_are_compared_on_the_same_texts_even_where_the_evaluation_did_not():
    e = evaluation()
    (majority,) = [baseline for baseline in verdict(e).baselines if baseline.mode == "majority_class"]
    assert ("routed", "majority_class") not in e.differences
    wanted = e.modes["routed"].accuracy - e.modes["majority_class"].accuracy
    assert majority.routed.difference == pytest.approx(wanted)
    assert majority.routed.n == 240


def test_it_says_what_it_does_not_say():
    text = " ".join(verdict(evaluation(skipped={"recipes": "No rows."})).sentences)
    assert "another training, with another seed" in text
    assert "not a sequential baseline" in text
    assert "recipes" in text
    assert "Baselines are told the task" in text
