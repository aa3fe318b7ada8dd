"""Data frames in, the same kind of data frame back."""

from pathlib import Path

import datasets
import pandas
import pytest

from skillstack import Stack
from skillstack.errors import InputError, UsageError

TEXTS = ["please block my card", "can i bring scissors on the plane", None, "  "]
ADDED = ["label", "probability", "task", "route_confidence", "error"]


@pytest.fixture(scope="module")
def reference() -> Stack:
    return Stack.open(Path(__file__).resolve().parents[1] / "frames", "reference")


def test_a_data_frame_comes_back_with_the_answers_beside_its_columns(reference):
    table = pandas.DataFrame({"n": range(4), "body": TEXTS}, index=[7, 7, 8, 9])
    found = reference.predict(table, text_column="body")
    assert list(found.columns) == ["n", "body", *ADDED]
    assert list(table.columns) == ["n", "body"]
    assert list(found.index) == [7, 7, 8, 9]
    alone = [reference.predict(text) for text in TEXTS[:2]]
    assert list(found["label"][:2]) == [answer.label_name for answer in alone]
    assert list(found["probability"][:2]) == pytest.approx([answer.probability for answer in alone])
    assert list(found["task"][:2]) == [answer.routed.task for answer in alone]
    assert found["error"].isna().tolist() == [True, True, False, False]
    assert found["label"].isna().tolist() == [False, False, True, True]


def test_a_column_whose_name_is_taken_stays_as_it_is(reference):
    table = pandas.DataFrame({"label": ["gold"], "body": TEXTS[:1]})
    found = reference.predict(table, text_column="body")
    assert list(found.columns) == ["label", "body", "skillstack_label", *ADDED[1:]]
    assert found["label"].tolist() == ["gold"]


def test_a_row_that_a_frame_cannot_read_spoils_no_other(reference):
    table = pandas.DataFrame({"a": TEXTS[:2], "b": ["", "a second text"]})
    found = reference.predict(table, text_column="a", pair_column="b", frame="banking")
    assert found["label"].isna().tolist() == [False, True]
    assert "one text" in found["error"][1]


def test_an_empty_data_frame_comes_back_with_the_columns(reference):
    found = reference.predict(pandas.DataFrame({"body": []}), text_column="body")
    assert (len(found), list(found.columns)) == (0, ["body", *ADDED])


def test_a_frame_of_polars_comes_back_as_one(reference):
    polars = pytest.importorskip("polars")
    found = reference.predict(polars.DataFrame({"body": TEXTS}), text_column="body")
    assert isinstance(found, polars.DataFrame)
    assert found.columns == ["body", *ADDED]
    assert found["error"].is_null().to_list() == [True, True, False, False]


def test_a_data_set_gives_a_list(reference):
    table = datasets.Dataset.from_dict({"body": TEXTS[:2]})
    found = reference.predict(table, text_column="body")
    assert [answer.label_name for answer in found] == [
        reference.predict(text).label_name for text in TEXTS[:2]
    ]
    with pytest.raises(InputError, match="Row 3: The text is empty"):
        reference.predict(datasets.Dataset.from_dict({"body": TEXTS}), text_column="body")


def test_a_column_that_is_not_there_and_what_is_no_table_are_refused(reference):
    with pytest.raises(UsageError, match="no column 'bdy'") as caught:
        reference.predict(pandas.DataFrame({"body": TEXTS}), text_column="bdy")
    assert "body" in caught.value.hint
    for rows in (TEXTS[:1], TEXTS[0], pandas.Series(TEXTS[:1])):
        with pytest.raises(InputError, match="no columns"):
            reference.predict(rows, text_column="body")


def test_a_notebook_shows_a_stack_as_a_table_without_markup_of_others(reference):
    shown = reference._repr_html_()
    assert shown.startswith("<table><caption>reference: ")
    assert shown.count("<tr>") == 1 + sum(len(frame.skills) for frame in reference)
    assert "<td>banking</td>" in shown


def test_what_could_be_markup_is_escaped_in_tables():
    from skillstack.wording import html_table

    shown = html_table("<b>", ["a&b"], [["<script>"]])
    assert "<b>" not in shown and "<script>" not in shown and "a&amp;b" in shown
