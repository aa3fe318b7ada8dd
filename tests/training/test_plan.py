"""A plan's digest covers everything that decides a training, and nothing else."""

import dataclasses

import pytest

from .world import RECIPE, plan_of

CHANGES = {
    "recipe": lambda plan: dataclasses.replace(plan.recipe, seed=1),
    "rendering": lambda plan: dataclasses.replace(plan.rendering, max_length=33),
    "base": lambda plan: dataclasses.replace(plan.base, weights="0" * 64),
    "precision": lambda plan: "nf4",
    "position": lambda plan: 1,
    "starts": lambda plan: ("0" * 64,),
    "keep_texts": lambda plan: False,
    "data": lambda plan: dataclasses.replace(plan.data, train=plan.data.train[1:]),
}


@pytest.mark.parametrize("field", sorted(CHANGES))
def test_a_change_anywhere_is_another_plan(encoder, field):
    plan = plan_of(encoder)
    assert dataclasses.replace(plan, **{field: CHANGES[field](plan)}).digest() != plan.digest()


def test_hints_about_the_base_and_words_about_the_source_are_no_part_of_it(encoder):
    plan = plan_of(encoder)
    renamed = dataclasses.replace(plan.base, name="elsewhere", revision="2")
    retold = dataclasses.replace(plan.data, source={**plan.data.source, "citation": "another"})
    assert dataclasses.replace(plan, base=renamed, data=retold).digest() == plan.digest()


def test_an_equal_plan_made_anew_has_the_same_digest(encoder):
    assert plan_of(encoder).digest() == plan_of(encoder, recipe=dataclasses.replace(RECIPE)).digest()
