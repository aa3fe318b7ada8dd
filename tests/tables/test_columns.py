import csv
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillstack.data.columns import find_columns, find_text
from skillstack.data.headers import Reason
from skillstack.data.tables import open_table
from skillstack.errors import InputError, SkillStackError, UsageError

from .conftest import save


def table(tmp_path, columns, rows, name="t.csv"):
    return open_table(save(tmp_path / name, columns, rows))


def made(tmp_path, **columns):
    return table(tmp_path, list(columns), list(zip(*columns.values(), strict=True)))


WORDS = [f"a text with the number {n}" for n in range(20)]
AB = ["a", "b"] * 10
XYZ = [*["x", "y", "z"] * 6, "x", "y"]


def test_columns_are_found_and_the_reasons_said(tickets):
    found = find_columns(open_table(tickets))
    assert (found.text, found.label, found.pair) == ("body", "Category", None)
    assert found.labels == ("bank", "home", "travel")
    assert found.rows == 60
    assert found.reasons == (
        Reason("text", "body", "the longest on average (44 characters; the next, 'subject', has 8)"),
        Reason("label", "Category", "by its name"),
    )
    assert found.to_json()["reasons"][1] == {"role": "label", "column": "Category", "why": "by its name"}


def test_a_label_column_of_another_name_is_found_where_its_values_alone_repeat(tmp_path):
    found = find_columns(made(tmp_path, id=range(20), what=XYZ, words=WORDS))
    assert (found.text, found.label) == ("words", "what")
    assert found.reasons[1].why == "the only column with 2 to 200 values that repeat (3)"


def test_a_label_of_a_known_name_comes_before_any_that_repeats(tmp_path):
    assert find_columns(made(tmp_path, words=WORDS, source=XYZ, INTENT=AB)).label == "INTENT"


@pytest.mark.parametrize(
    ("columns", "says", "flag"),
    [
        ({"words": WORDS, "label": AB, "class": XYZ}, "'label' and 'class' could each", "--label-column"),
        ({"words": WORDS, "one": AB, "two": XYZ}, "'one' and 'two' could each", "--label-column"),
        ({"words": WORDS, "more": WORDS, "label": AB}, "'words' and 'more' could each", "--text-column"),
        ({"text": AB[::-1], "url": WORDS, "label": AB}, "'url' and 'text' could each", "--text-column"),
        ({"words": WORDS, "id": range(20)}, "no column is called label", "--label-column"),
        ({"id": range(20), "label": AB}, "holds texts", "--text-column"),
        ({"words": WORDS, "more": WORDS[::-1], "label": AB}, "could each", "--pair-column"),
    ],
)
def test_a_tie_is_an_error_that_names_the_flags_and_never_a_guess(tmp_path, columns, says, flag):
    with pytest.raises(UsageError) as caught:
        find_columns(made(tmp_path, **columns))
    assert says in caught.value.message
    assert flag in caught.value.hint


def test_naming_a_column_ends_a_tie(tmp_path):
    pairs = made(tmp_path, first=WORDS, second=WORDS[::-1], one=AB, two=XYZ)
    found = find_columns(pairs, text="first", pair="second", label="two")
    assert (found.text, found.pair, found.label) == ("first", "second", "two")
    assert [reason.why for reason in found.reasons] == ["named"] * 3
    assert find_columns(pairs, pair="second", label="two").text == "first"


def test_a_column_that_is_not_there_is_answered_with_the_one_that_is_meant(tickets):
    opened = open_table(tickets)
    with pytest.raises(UsageError, match="no column 'bodi' for --text-column") as caught:
        find_columns(opened, text="bodi")
    assert "Did you mean 'body'?" in caught.value.hint
    with pytest.raises(UsageError, match="--label-column"):
        find_columns(opened, label="kategory")
    with pytest.raises(UsageError, match="both name 'body'"):
        find_columns(opened, text="body", pair="body")


def test_a_table_with_nothing_to_learn_is_an_error(tmp_path):
    with pytest.raises(InputError, match="no rows"):
        find_columns(table(tmp_path, ("text", "label"), []))
    with pytest.raises(InputError, match="only the value 'a'"):
        find_columns(made(tmp_path, words=WORDS, label=["a"] * 20))
    with pytest.raises(InputError, match="id column"):
        find_columns(made(tmp_path, words=["a text"] * 10_000, label=range(10_000)))


def test_texts_without_labels_are_found_as_well(tmp_path, tickets):
    assert find_text(made(tmp_path, words=WORDS)).reasons == (
        Reason("text", "words", "the only column with texts"),
    )
    assert find_text(made(tmp_path, text=AB, notes=WORDS)).text == "text"
    found = find_text(made(tmp_path, text=AB, text_pair=WORDS))
    assert (found.text, found.pair) == ("text", "text_pair")
    assert find_text(made(tmp_path, text=AB, text_pair=WORDS), text="text").pair is None
    assert find_text(open_table(tickets)).text == "body"
    with pytest.raises(UsageError, match="could each hold the texts"):
        find_text(made(tmp_path, one=WORDS, two=WORDS))
    with pytest.raises(InputError, match="no header"):
        find_text(table(tmp_path, (WORDS[0] + " and many words more",), [(w,) for w in WORDS]))


CELLS = st.sampled_from(["", "a", "b", "1", "2", "2.5", "some words", "a longer text of words"])


@given(st.lists(st.tuples(*[CELLS] * 4), min_size=1, max_size=30), st.booleans(), st.integers(0, 99))
def test_the_order_of_the_rows_decides_nothing(tmp_path_factory, rows, named, seed):
    folder = tmp_path_factory.mktemp("t")
    header = ("one", "two", "three", "label" if named else "four")
    shuffled = list(rows)
    random.Random(seed).shuffle(shuffled)
    assert outcome(table(folder, header, rows)) == outcome(table(folder, header, shuffled))


def outcome(opened):
    try:
        return find_columns(opened)
    except SkillStackError as error:
        return type(error), str(error)


def test_a_file_of_another_tool_with_a_mark_and_semicolons_is_understood(tmp_path):
    path = tmp_path / "export.csv"
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, delimiter=";", quoting=csv.QUOTE_ALL)
        writer.writerows([("Label", "Anfrage"), *zip(AB, (f"{w}; über, alles" for w in WORDS), strict=True)])
    found = find_columns(open_table(path))
    assert (found.text, found.label) == ("Anfrage", "Label")
