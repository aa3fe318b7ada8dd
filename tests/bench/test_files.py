"""Cells appear whole, and what is not of this bench is never taken for a part of it."""

import json

import pytest

from skillstack.continual.cell import HyperparameterTrial
from skillstack.continual.files import Results
from skillstack.errors import InputError

from .conftest import by_hand


@pytest.fixture
def results(tmp_path) -> Results:
    """An empty folder of results."""
    return Results(tmp_path / "starter8-minilm")


def test_a_cell_that_was_kept_is_found_by_its_configuration(results):
    assert results.cell("ewc", "forward", 42, "d") is None
    cell = by_hand("ewc", {"one": "10"})
    results.put_cell(cell)
    assert results.path("ewc", "forward", 42).name == "ewc.forward.42.json"
    assert results.cell("ewc", "forward", 42, "d").to_json() == cell.to_json()


def test_a_cell_of_another_configuration_is_an_error_that_says_what_to_do(results):
    results.put_cell(by_hand("ewc", {"one": "10"}))
    with pytest.raises(InputError, match="another base, recipe or version") as error:
        results.cell("ewc", "forward", 42, "e")
    assert "--results" in error.value.hint


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"schema": 2}', "[" * 100_000])
def test_a_file_that_cannot_be_read_is_an_error(results, text):
    results.folder.mkdir(parents=True)
    results.path("ewc", "forward", 42).write_text(text)
    with pytest.raises(InputError, match="cannot be read"):
        results.cell("ewc", "forward", 42, "d")


def test_choices_and_the_leaderboard_are_no_cells(results):
    results.put_cell(by_hand("ewc", {"one": "10"}))
    results.put_choice("ewc", "d", (HyperparameterTrial({"lambda": 1.0}, 0.5),), {"seed": 42})
    results.put_leaderboard({"schema": 1})
    assert [cell.method for cell in results.cells()] == ["ewc"]


def test_a_choice_goes_on_where_it_was(results):
    assert results.choice("ewc", "d") == ((), {})
    tried = (HyperparameterTrial({"lambda": 1.0}, 0.5),)
    results.put_choice("ewc", "d", tried, {"seed": 42})
    assert results.choice("ewc", "d") == (tried, {"seed": 42})
    with pytest.raises(InputError, match="another base, recipe or version"):
        results.choice("ewc", "e")


def test_files_are_plain_json_that_ends_with_a_line_break(results):
    results.put_cell(by_hand("ewc", {"one": "10"}))
    text = results.path("ewc", "forward", 42).read_text()
    assert text.endswith("}\n")
    assert json.loads(text)["tasks"][0]["right"] == "80"
