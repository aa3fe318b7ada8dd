"""Tables as other programs and people leave them, from public reports of what went wrong with them."""

from pathlib import Path

import pytest

from skillstack.data.tables import open_table
from skillstack.errors import InputError

CASES = Path(__file__).resolve().parents[3] / "shared" / "cases" / "tables"


def case(name):
    path = CASES / name
    if not path.exists():
        pytest.skip(f"{path} is not there: it comes with the shared data")
    return path


def rows_of(path):
    table = open_table(path)
    return table.columns, [row for batch in table.batches() for row in batch.rows]


def written(tmp_path, text, name="table.csv"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8", newline="")
    return path


def test_the_separator_that_excel_states_above_the_header_is_honoured(tmp_path):
    path = written(tmp_path, "sep=;\r\nid;text\r\n1;my parcel, please\r\n\r\n2;refund\r\n")
    (batch,) = open_table(path).batches()
    assert (batch.columns, batch.rows) == (("id", "text"), [("1", "my parcel, please"), ("2", "refund")])
    assert batch.lines == [3, 5]


def test_a_broken_quote_below_a_stated_separator_is_named_by_its_line(tmp_path):
    with pytest.raises(InputError, match="line 3"):
        rows_of(written(tmp_path, 'sep=,\ntext,label\na"b,"x\n"y",z\n'))


def test_the_separator_is_judged_by_the_rows_too(tmp_path):
    path = written(tmp_path, "text, or what they wrote;label\nit is late;a\nrefund me, please;b\n")
    assert rows_of(path) == (
        ("text, or what they wrote", "label"),
        [("it is late", "a"), ("refund me, please", "b")],
    )
    path = written(tmp_path, "text,label;code\nit is late,a\nrefund me; please,b\n")
    assert rows_of(path)[0] == ("text", "label;code")


def test_quotes_behind_a_comma_and_blanks_are_quotes(tmp_path):
    path = written(tmp_path, 'text, label\n"one, two", "bank"\n"he said, ""no""",  "home"\n')
    assert rows_of(path) == (("text", "label"), [("one, two", "bank"), ('he said, "no"', "home")])


def test_quotes_within_quoted_cells_leave_blanks_as_they_are(tmp_path):
    path = written(tmp_path, 'text,label\n"he said, ""no"", twice", bank\n"a\nb, ""c""",x\n')
    assert rows_of(path)[1] == [('he said, "no", twice', " bank"), ('a\nb, "c"', "x")]


def test_a_header_that_stands_there_again_is_named_by_its_line():
    with pytest.raises(InputError, match="line 38: the first row stands there again"):
        rows_of(case("concat_header.csv"))


def test_a_repeated_header_is_one_bad_row_where_rows_are_answered(tmp_path):
    path = written(tmp_path, "id,text\n1,late\nid,text\n2,refund\n")
    (batch,) = open_table(path).batches(lenient=True)
    assert batch.numbers == [1, 2, 3]
    assert list(batch.errors) == [1]


def test_string_views_and_empty_rows_of_polars_are_read():
    columns, rows = rows_of(case("polars_1_38_null_row.parquet"))
    assert columns == ("text", "label")
    assert len(rows) == 36


def test_times_beyond_those_of_python_pass_through():
    _, rows = rows_of(case("timestamp_9999_berlin.parquet"))
    assert [row[1][:10] for row in rows] == ["9999-12-31", "2024-01-01"]


def test_numbered_labels_have_the_names_that_the_file_notes():
    _, rows = rows_of(case("hf_classlabel.parquet"))
    assert {row[1] for row in rows} == {"login", "billing", "shipping"}


@pytest.mark.parametrize("note", [b"no json", b"[]", b'{"info": {"features": {"label": {"names": 3}}}}'])
def test_notes_of_other_kinds_leave_numbers_as_they_are(tmp_path, note):
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / "t.parquet"
    table = pa.table({"text": ["late"], "label": [1]}).replace_schema_metadata({b"huggingface": note})
    pq.write_table(table, path)
    assert rows_of(path)[1] == [("late", "1")]


@pytest.mark.parametrize(
    ("name", "text", "numbers", "empty"),
    [
        ("t.csv", "text\nlate\n\nrefund\n\n\n", [1, 2, 3], [1]),
        ("t.csv", "text,id\nlate,1\n\n\n,\nrefund,2\n,\n\n", [1, 2, 3, 4, 5, 6], [1, 2, 3, 5]),
        ("t.tsv", 'text\nlate\n\nsay "no\n', [1, 2, 3], [1]),
        ("t.jsonl", '{"text":"late"}\n\n{"text":null}\n{"text":"refund"}\n\n', [1, 2, 3, 4], [1, 2]),
    ],
)
def test_where_rows_are_answered_empty_ones_have_their_place_and_an_error(
    tmp_path, name, text, numbers, empty
):
    for size in (1, 2, 1024):
        batches = list(open_table(written(tmp_path, text, name)).batches(size=size, lenient=True))
        rows = [row for batch in batches for row in batch.rows]
        assert [number for batch in batches for number in batch.numbers] == numbers
        assert [place for place, row in enumerate(rows) if not any(row)] == empty
        assert sum(len(batch.errors) for batch in batches) == len(empty)


def test_an_empty_row_of_parquet_has_its_place_and_an_error():
    (batch,) = open_table(case("polars_1_38_null_row.parquet")).batches(lenient=True)
    assert len(batch.rows) == batch.arrow.num_rows == 37
    assert list(batch.errors.values()) == ["The row is empty."]


@pytest.mark.parametrize("name", ["t.xlsx", "T.XLS", "t.ods"])
def test_a_workbook_is_refused_with_what_to_do(tmp_path, name):
    (tmp_path / name).write_bytes(b"PK")
    with pytest.raises(InputError, match="is a workbook") as caught:
        open_table(tmp_path / name)
    assert ".csv" in caught.value.hint
