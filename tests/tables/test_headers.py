import pytest

from skillstack.data.columns import find_columns, find_text
from skillstack.data.headers import header_note
from skillstack.data.tables import open_table
from skillstack.errors import InputError

from .conftest import save

TEXTS = [f"the {n}th text of this small table is here" for n in range(10)]


def columns(tmp_path, names, ending="csv", labels="ab", **named):
    rows = [(text, labels[n % len(labels)]) for n, text in enumerate(TEXTS)]
    return find_columns(open_table(save(tmp_path / f"t.{ending}", names, rows)), **named)


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (("I love it", "a"), "'a' stands there and again"),
        (("0", "label"), "'0' is a number"),
        (("this is the very first text of a table", "label"), "reads like a text"),
        (("x" * 61, "label"), "reads like a text"),
        (("please block my card", "spam"), "'please block my card' reads like a text"),
    ],
)
def test_a_first_row_of_data_is_noticed(tmp_path, names, says):
    with pytest.raises(InputError, match="seems to have no header") as caught:
        columns(tmp_path, names)
    assert says in caught.value.message
    assert "--text-column" in caught.value.hint


def test_columns_that_are_both_named_may_be_called_anything(tmp_path):
    long = "How satisfied are you with the service that you got?"
    assert columns(tmp_path, (long, "1"), text=long, label="1").labels == ("a", "b")


def test_fields_of_json_lines_are_names_whatever_they_look_like(tmp_path):
    assert columns(tmp_path, ("the text of a person about a product that is new", "a"), "jsonl").label == "a"


def test_y_is_a_name_and_a_label(tmp_path):
    assert columns(tmp_path, ("words", "y"), labels="yn").labels == ("n", "y")


def test_a_first_row_that_is_only_assumed_to_be_a_header_is_mentioned(tmp_path):
    found = columns(tmp_path, ("block it", "spam"))
    assert found.assumed == ("block it", "spam")
    assert header_note(found.assumed) == "First row taken as header: 'block it', 'spam'."
    assert columns(tmp_path, ("block it", "Label")).assumed == ()
    assert columns(tmp_path, ("block it", "spam"), text="block it").assumed == ()
    assert columns(tmp_path, ("block it", "spam"), "jsonl").assumed == ()


def test_a_usual_name_vouches_for_a_long_one(tmp_path):
    assert columns(tmp_path, ("what the customer wrote", "label")).text == "what the customer wrote"


def test_a_list_of_texts_without_a_header_is_noticed(tmp_path):
    with pytest.raises(InputError, match="no header"):
        find_text(open_table(save(tmp_path / "t.csv", ("where is my card",), [(text,) for text in TEXTS])))
    assert find_text(open_table(save(tmp_path / "t.csv", ("stop it",), [(text,) for text in TEXTS]))).assumed
