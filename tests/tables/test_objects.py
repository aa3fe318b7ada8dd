import pytest

from skillstack.data.tables import open_table
from skillstack.errors import InputError


def read(tmp_path, data):
    path = tmp_path / "t.jsonl"
    path.write_text(data, encoding="utf-8")
    table = open_table(path)
    return table.columns, [row for batch in table.batches() for row in batch.rows]


def test_values_are_cells_as_they_stand_in_the_file(tmp_path):
    columns, rows = read(
        tmp_path,
        '{"text": "007", "n": 1.0, "big": 12345678901234567890123}\n\n{"m": null, "n": true, "o": [1]}\n',
    )
    assert columns == ("text", "n", "big", "m", "o")
    assert rows == [("007", "1.0", "12345678901234567890123", "", ""), ("", "true", "", "", '["1"]')]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ('{"a": 1}\nno json\n', "line 2: no JSON object"),
        ('{"a": 1}\n[1]\n', "line 2: list instead"),
        ('{"a": "\n', "line 1: no JSON object"),
        ('[{"a": 1},\n{"a": 2}]', "one JSON array"),
        ('[{"a": 1}]', "one JSON array"),
        ("[" * 100_000, "one JSON array"),
        ("", "no rows"),
        ("\n\n", "no rows"),
    ],
)
def test_what_is_no_json_line_is_an_error_that_names_it(tmp_path, data, says):
    with pytest.raises(InputError, match=says):
        read(tmp_path, data)


def test_no_number_is_no_value(tmp_path):
    _, rows = read(tmp_path, '{"a": "x", "b": NaN}\n{"a": "y", "b": [NaN]}\n')
    assert rows == [("x", ""), ("y", "[null]")]


def test_broken_lines_come_along_where_they_are_wanted(tmp_path):
    path = tmp_path / "t.jsonl"
    path.write_text('{"a": 1}\nno json\n[1]\n{"a": 2}\n')
    (batch,) = open_table(path, lenient=True).batches(lenient=True)
    assert batch.rows == [("1",), ("",), ("",), ("2",)]
    assert batch.errors == {
        1: "Line 2: no JSON object: Expecting value.",
        2: "Line 3: list instead of a JSON object.",
    }
