import pytest

from skillstack.errors import InputError
from skillstack.tables import find_columns, open_table

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
