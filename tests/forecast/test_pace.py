"""Time, roughly."""

import dataclasses

import pytest

from skillstack.forecast.bases import KNOWN, BaseFacts, base_facts
from skillstack.forecast.pace import Pace, measure_pace, training_seconds
from skillstack.training.recipe import default_recipe

PACE = Pace(4e-5, 8e-5)
RECIPE = default_recipe("minilm", "encoder")
LESSON = (400, 126, 2, 80.0)


def test_a_layer_is_timed_here():
    pace = measure_pace(base_facts(None), "cpu", "fp32")
    assert 0 < pace.forward < pace.training * 3
    assert measure_pace(BaseFacts("x", "x", ""), "cpu", "fp32") is None


@pytest.mark.slow
def test_a_large_layer_is_timed_at_half_its_width():
    assert measure_pace(KNOWN["meta-llama/Llama-3.2-3B-Instruct"], "cpu", "fp32").forward > 0


def test_more_frames_longer_texts_and_more_rows_take_longer():
    def high(*lessons, recipe=RECIPE, precision="fp32"):
        return training_seconds(base_facts(None), recipe, lessons, PACE, precision).high

    assert high(LESSON) < high(LESSON, LESSON) < high(LESSON, LESSON, LESSON)
    assert high(LESSON) < high((400, 126, 2, 600.0))
    assert high(LESSON) < high((4000, 126, 2, 80.0))
    assert high(LESSON, recipe=dataclasses.replace(RECIPE, method="frozen-linear")) < high(LESSON)
    assert high(LESSON) < high(LESSON, precision="nf4")
