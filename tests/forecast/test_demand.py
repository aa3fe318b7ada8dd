"""Bytes, beside those of a stack that is there."""

from pathlib import Path

import pytest

from skillstack.forecast import demand
from skillstack.forecast.bases import KNOWN, base_facts
from skillstack.training.recipe import Recipe, default_recipe

REFERENCE = Path(__file__).resolve().parents[2] / "frames"
QWEN = KNOWN["Qwen/Qwen2.5-1.5B-Instruct"]


def test_an_adapter_has_the_size_that_was_foretold():
    (real,) = {file.stat().st_size for file in REFERENCE.glob("adapters/*/adapter_model.safetensors")}
    assert demand.adapter_bytes(base_facts(None), default_recipe("minilm", "encoder")) == pytest.approx(
        real, rel=0.02
    )


def test_a_router_of_the_reference_stack_has_about_the_size_that_was_foretold():
    folder = REFERENCE.parent / "routers" / "reference"
    last = max(sum(file.stat().st_size for file in state.iterdir()) for state in folder.iterdir())
    # Each of the eight pushes left a state, as many skills large.
    assert pytest.approx(last * (8 + 1) / 2, rel=0.3) == 8 * demand.ROUTER_STATE


def test_a_base_takes_its_parameters_by_precision():
    assert demand.base_bytes(QWEN, "fp32") == pytest.approx(6.17e9, rel=0.01)
    assert demand.base_bytes(QWEN, "fp16") == pytest.approx(3.09e9, rel=0.01)
    # Its model card gives 1.31 thousand million parameters besides the embeddings.
    assert demand.base_bytes(QWEN, "nf4") == pytest.approx(1.31e9 * 0.516 + 0.233e9 * 2, rel=0.02)


def test_fewer_rows_pass_where_there_is_less_room():
    recipe = Recipe(batch_size=16)
    rows = [
        demand.rows_that_fit(QWEN, recipe, room, "bf16", checkpointing=False)
        for room in (100 * 10**9, 4 * 10**9, 1 * 10**9, 0)
    ]
    assert rows[0] == 16
    assert rows == sorted(rows, reverse=True)
    assert 0 < rows[1] < 16
    assert rows[-1] == 0


def test_states_computed_again_take_less_memory():
    recipe = Recipe()
    kept = demand.activation_bytes(QWEN, recipe, 8, "bf16", checkpointing=False)
    assert demand.activation_bytes(QWEN, recipe, 8, "bf16", checkpointing=True) < kept / 5
