"""A cell holds every answer, and its figures follow from these."""

import json

import numpy as np
import pytest

from skillstack.continual.cell import BenchCell, HyperparameterTrial, TaskResult

from .conftest import by_hand

LEARNED = ((0.9,), (0.6, 0.8), (0.7, 0.5, 1.0))


def test_a_cell_survives_the_way_into_a_file_and_back():
    cell = by_hand(
        "ewc",
        {"one": "110", "two": "0111011101"},
        trajectory=((0.5,), (0.25, 0.75)),
        settings={"lambda": 100.0},
        tried=(HyperparameterTrial({"lambda": 100.0}, 0.5), HyperparameterTrial({"lambda": 1.0}, 0.25)),
        chosen_with={"order": "forward", "seed": 42},
        processor=None,
    )
    record = json.loads(json.dumps(cell.to_json()))
    assert BenchCell.from_json(record).to_json() == record
    assert BenchCell.from_json(record).tried == cell.tried


def test_figures_by_hand():
    cell = by_hand("ewc", {"one": "1100", "two": "11", "three": "0"}, trajectory=LEARNED)
    assert cell.accuracy == pytest.approx((0.5 + 1.0 + 0.0) / 3)
    assert cell.forgetting == pytest.approx(((0.9 - 0.7) + (0.8 - 0.5)) / 2)
    assert cell.worst.min_acc == pytest.approx((0.6 + 0.5) / 2)
    assert cell.worst.wc_acc == pytest.approx((0.6 + 0.5 + 1.0) / 3)


def test_a_method_that_answers_only_at_the_end_has_forgotten_nothing_that_could_be_said():
    cell = by_hand("joint", {"one": "10"})
    assert cell.forgetting is None
    assert cell.worst is None
    assert cell.to_json()["wc_acc"] is None


def test_regret_by_hand():
    mask = lambda text: np.array([bit == "1" for bit in text])  # noqa: E731
    task = TaskResult("one", "rows", mask("1110"), 0.5, routed=mask("1011"), at_home=mask("1000"))
    assert (task.regret.lost, task.regret.gained, task.regret.wrong_skill_right_answer) == (1, 1, 2)
    assert task.regret.difference == 0.0


@pytest.mark.parametrize(
    "damage",
    [
        {"right": "00"},
        {"right": "ff"},
        {"n": 300},
        {"accuracy": 0.9},
        {"macro_f1": "much"},
    ],
)
def test_answers_that_do_not_fit_their_figures_are_an_error(damage):
    record = by_hand("ewc", {"one": "1100"}).to_json()
    record["tasks"][0].update(damage)
    with pytest.raises((ValueError, TypeError)):
        BenchCell.from_json(record)
