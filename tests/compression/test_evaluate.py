"""What a plan counts is what the stack answers, before and after."""

import numpy as np
import pytest

from skillstack.compression.evaluate import answers_today
from skillstack.evaluation.metrics import macro

from .world import TASKS, plan_of, right


@pytest.mark.parametrize("part", ["dev", "guard"])
def test_before_it_counts_what_the_stack_answers(merged, part):
    workspace = plan_of(merged.before).workspace
    for one in workspace.rows:
        found = answers_today(workspace, one, part)
        rows = one.part(part)
        for routed, mask in ((False, found.own), (True, found.routed)):
            assert mask.tolist() == right(merged.before, one.skill.name, rows, routed=routed)


def test_what_the_guard_counted_is_what_the_merged_stack_answers(merged):
    guarded = merged.found.guarded.guard
    assert [change.skill for change in guarded.skills] == ["imdb_sentences", "yelp_sentences"]
    for change in guarded.skills:
        before = np.array(right(merged.before, change.skill, "guard", routed=False))
        after = np.array(right(merged.after, change.skill, "guard", routed=False))
        assert (change.before.correct, change.before.n) == (before.sum(), len(before))
        assert (change.after.correct, change.after.n) == (after.sum(), len(after))
        assert (change.test.lost, change.test.gained) == ((before & ~after).sum(), (after & ~before).sum())


def test_routed_answers_after_are_those_of_the_merged_stack(merged):
    guarded = merged.found.guarded.guard
    rows = {one.skill.name: one.guard for one in plan_of(merged.before).workspace.rows}
    changed = of = 0
    for stack, whole in ((merged.before, guarded.before), (merged.after, guarded.after)):
        shares = [np.mean(right(stack, name, rows[name], routed=True)) for name in TASKS]
        assert whole.routed == pytest.approx(macro(shares), abs=1e-12)
    for name in ("wiki_topics", "home"):
        before, after = (
            right(stack, name, rows[name], routed=True) for stack in (merged.before, merged.after)
        )
        changed += sum(one != other for one, other in zip(before, after, strict=True))
        of += len(before)
    assert (guarded.others.lost + guarded.others.gained, guarded.others.n) == (changed, of)


def test_dev_is_counted_in_the_same_way(merged):
    plan = merged.found.plan
    dev = plan.candidate("linear, rank 2").dev
    for change in dev.skills:
        assert change.after.correct == sum(right(merged.after, change.skill, "dev", routed=False))
        assert change.before.correct == sum(right(merged.before, change.skill, "dev", routed=False))
