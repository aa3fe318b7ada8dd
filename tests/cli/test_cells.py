from dataclasses import replace

from skillstack.cli.cells import ERROR, PREDICTION, ROUTE, prediction_cells, route_cells

from .answers import PREDICTED, ROUTED


def test_an_answer_has_a_cell_for_every_column_but_the_error():
    assert {*route_cells(ROUTED), ERROR} == set(ROUTE)
    assert {*prediction_cells(PREDICTED), ERROR} == set(PREDICTION)
    assert list(PREDICTION) == ["task", "family", "frame", "confidence", "label", "probability", "error"]


def test_cells_say_what_the_json_says():
    cells = prediction_cells(PREDICTED)
    assert (cells["task"], cells["confidence"]) == ("cards", 0.973)
    assert (cells["label"], cells["probability"]) == ("block_card", 0.9)


def test_a_rejected_text_has_empty_cells():
    rejected = replace(PREDICTED, routed=replace(ROUTED, task=None, family=None, frame=None), label_name=None)
    cells = prediction_cells(rejected)
    assert [cells[name] for name in ("task", "family", "frame", "label", "probability")] == [None] * 5
