"""Rows of a person's own table are read with the labels that a skill knows already."""

import json

import pytest

from skillstack.data.columns import find_columns
from skillstack.data.table_rows import columns_in, columns_text, labelled_rows
from skillstack.data.tables import open_table
from skillstack.data.task import Example
from skillstack.errors import InputError, UsageError
from skillstack.store.rows import Row

LABELS = ("negative", "positive", "mixed")


@pytest.fixture
def table(tmp_path):
    """Writes a table and returns its path."""

    def table(*rows, name="mine.csv"):
        path = tmp_path / name
        path.write_text("\n".join(rows), encoding="utf-8")
        return path

    return table


def test_labels_are_numbered_as_the_skill_numbers_them(table):
    path = table("text,label", "What a film!,positive", "Dull.,negative", "Fine and dull.,mixed")
    assert labelled_rows(path, LABELS, pair=False) == (
        Example(Row("What a film!"), 1),
        Example(Row("Dull."), 0),
        Example(Row("Fine and dull."), 2),
    )


def test_not_every_label_has_to_be_there(table):
    path = table("text,label", "What a film!,positive", "Dull.,negative")
    assert [one.label for one in labelled_rows(path, LABELS, pair=False)] == [1, 0]


@pytest.mark.parametrize("header", ["text,label", "text,mark", "what,answer"])
def test_one_label_is_enough_where_it_is_known(table, header):
    path = table(header, "What a film!,positive", "How it shines!,positive")
    assert [one.label for one in labelled_rows(path, LABELS, pair=False)] == [1, 1]


def test_one_label_that_nobody_knows_is_still_none(table):
    path = table("text,label", "What a film!,good", "How it shines!,good")
    with pytest.raises(InputError, match="the label 'good' is none that the skill knows"):
        labelled_rows(path, LABELS, pair=False)


def test_a_column_that_holds_known_labels_comes_before_others_that_repeat(table):
    path = table(
        "text,source,mark", "What a film!,a,positive", "Dull.,b,negative", "Fine!,a,positive", "So,b,negative"
    )
    assert [one.label for one in labelled_rows(path, LABELS, pair=False)] == [1, 0, 1, 0]


def test_what_is_to_be_done_is_what_can_be_done_here(table):
    path = table("text,id", "What a film!,1", "Dull.,2", "Fine!,3")
    with pytest.raises(UsageError) as caught:
        labelled_rows(path, LABELS, pair=False)
    assert caught.value.hint == "Call the columns text and label, and one of second texts text_pair."


def test_columns_are_found_as_in_learning(table):
    rows = ("1,What a film that was!,positive", "2,Dull to the very end.,negative")
    found = labelled_rows(table("n,review,category", *rows), LABELS, pair=False)
    assert [(one.row.text, one.label) for one in found] == [
        ("What a film that was!", 1),
        ("Dull to the very end.", 0),
    ]


def test_second_texts_stand_in_text_pair(table):
    rows = [
        {"text": "Is it on?", "text_pair": "It is.", "label": "positive"},
        {"text": "Is it off?", "text_pair": "It is not.", "label": "negative"},
    ]
    path = table(*map(json.dumps, rows), name="mine.jsonl")
    found = labelled_rows(path, LABELS, pair=True)
    assert [one.row for one in found] == [Row("Is it on?", "It is."), Row("Is it off?", "It is not.")]


def test_a_pair_without_second_texts_is_refused(table):
    path = table("text,label", "What a film!,positive", "Dull.,negative")
    with pytest.raises(UsageError, match="text_pair"):
        labelled_rows(path, LABELS, pair=True)


def test_a_label_that_the_skill_does_not_know_is_named_with_those_it_knows(table):
    path = table("text,label", "What a film!,positive", "Dull.,dull")
    with pytest.raises(InputError, match="the label 'dull' is none that the skill knows") as caught:
        labelled_rows(path, LABELS, pair=False)
    assert caught.value.hint == "It knows 'negative', 'positive', 'mixed'."
    many = tuple(f"label {n}" for n in range(20))
    with pytest.raises(InputError) as caught:
        labelled_rows(path, many, pair=False)
    assert caught.value.hint.endswith("'label 5', ....")


def test_rows_without_a_text_are_left_out(table):
    path = table("text,label", "What a film!,positive", ",negative", "Dull.,negative")
    assert len(labelled_rows(path, LABELS, pair=False)) == 2


@pytest.mark.parametrize("rows", [["text,label"], ["text,label", ",positive", ",negative"]])
def test_a_table_without_a_usable_row_is_an_error(table, rows):
    with pytest.raises((InputError, UsageError)):
        labelled_rows(table(*rows), LABELS, pair=False)


def test_a_table_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(InputError, match=r"gone\.csv"):
        labelled_rows(tmp_path / "gone.csv", LABELS, pair=False)


def test_the_columns_that_a_skill_was_learned_from_are_taken_again(table):
    rows = ("Quite a long subject line,It is,negative,x", "A subject of many words,It was,positive,y")
    path = table("subject,body,queue,text", *rows * 3)
    source = {
        "kind": "table",
        "origin": columns_text(find_columns(open_table(path), text="body", label="queue")),
    }
    assert columns_in(source) == {"text": "body", "label": "queue"}
    found = labelled_rows(path, LABELS, pair=False, columns=columns_in(source))
    assert {one.row.text for one in found} == {"It is", "It was"}
    # A table without them is read as any other.
    other = table("text,label", "It is,negative", "It was,positive")
    assert len(labelled_rows(other, LABELS, pair=False, columns=columns_in(source))) == 2


@pytest.mark.parametrize("origin", ["", "a paper", "[1]", "{", '{"text": 3, "other": "x"}'])
def test_what_names_no_columns_names_none(origin):
    assert columns_in({"kind": "table", "origin": origin}) == {}
    assert columns_in({"kind": "folder", "origin": '{"text": "body"}'}) == {}
