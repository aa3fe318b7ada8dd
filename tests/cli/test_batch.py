import csv
import gzip
import json
import random
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from skillstack.cli.batch import answer_batch
from skillstack.cli.cells import ROUTE, route_cells
from skillstack.errors import InputError, UsageError

from .answers import ROUTED

TABLE = [("1", "a text"), ("2", ""), ("3", "refuse"), ("", ""), ("5", "NA, with\na line")]


def save_table(path):
    """A small table with bad rows, in the format that the ending says."""
    if path.suffix == ".parquet":
        pq.write_table(pa.table({"n": [1, 2, 3, None, 5], "body": [text or None for _, text in TABLE]}), path)
        return path
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "wt", newline="") as file:
        if ".jsonl" in path.name:
            file.writelines(json.dumps({"n": n, "body": text}) + "\n" for n, text in TABLE)
        else:
            writer = csv.writer(file, delimiter="\t" if ".tsv" in path.name else ",")
            writer.writerows([("n", "body"), *TABLE])
    return path


def load_table(path):
    """The rows of a table as dictionaries; an empty cell is None."""
    if path.suffix == ".parquet":
        return pq.read_table(path).to_pylist()
    with (gzip.open if path.suffix == ".gz" else open)(path, "rt", newline="") as file:
        if ".jsonl" in path.name:
            return [json.loads(line) for line in file]
        return list(csv.DictReader(file, delimiter="\t" if ".tsv" in path.name else ","))


def answer(rows):
    if any("refuse" in row.text for row in rows):
        raise InputError("This row is refused.", "")
    return [replace(ROUTED, score=float(len(row.text))) for row in rows]


def run(path, **options):
    settings = {"output": None, "strict": False, "as_json": True, **options}
    words = lambda row, routed: row.text  # noqa: E731
    return answer_batch(answer, words, route_cells, ROUTE, source=str(path), **settings)


@pytest.fixture
def rows(tmp_path):
    path = tmp_path / "in.jsonl"
    path.write_bytes(b'{"text": "a"}\n\n{"text": ""}\n{"text": "refuse"}\n\xff\n{"text": "bb"}\n')
    return path


def test_bad_rows_stand_in_their_place_and_the_status_says_so(rows, capsys):
    assert run(rows) == 3
    out, err = capsys.readouterr()
    found = [json.loads(line) for line in out.splitlines()]
    assert [line["row"] for line in found] == [1, 3, 4, 5, 6]
    assert [line.get("score") for line in found] == [1.0, None, None, None, 2.0]
    assert found[2] == {"schema": 1, "row": 4, "error": "This row is refused."}
    assert "3 rows of 5 could not be answered" in err


def test_strict_stops_at_the_first_bad_row(rows, capsys):
    with pytest.raises(InputError, match="Row 3: The text is empty"):
        run(rows, strict=True)
    assert [json.loads(line)["row"] for line in capsys.readouterr().out.splitlines()] == [1]


def test_an_output_file_is_written_in_the_place_of_the_input(tmp_path, capsys):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"text": "a"}\n')
    assert run(path, output=str(path), as_json=False) == 0
    assert json.loads(path.read_text())["row"] == 1
    assert capsys.readouterr().out == ""


def test_an_empty_file_is_no_error_but_is_mentioned(tmp_path, capsys):
    path = tmp_path / "empty.jsonl"
    path.write_bytes(b"")
    assert run(path) == 0
    assert capsys.readouterr() == ("", f"There are no rows in {path}.\n")


def test_a_missing_file_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        run(tmp_path / "nothing.jsonl")


@pytest.mark.parametrize("ending", ["csv", "tsv", "jsonl", "parquet", "csv.gz"])
@pytest.mark.parametrize("origin", ["csv", "tsv.gz", "jsonl", "parquet"])
def test_a_table_keeps_its_columns_and_gets_the_answers_beside_them(tmp_path, capsys, origin, ending):
    if origin == ending == "jsonl":
        return
    source = save_table(tmp_path / f"in.{origin}")
    target = tmp_path / f"out.{ending}"
    assert run(source, output=str(target), text_column="body") == 3
    rows = load_table(target)
    assert list(rows[0]) == ["n", "body", "task", "family", "frame", "confidence", "error"]
    assert [row["n"] and str(row["n"]) for row in rows] == ["1", "2", "3", "5"]
    assert rows[3]["body"] == "NA, with\na line"
    assert [row["task"] or None for row in rows] == ["cards", None, None, "cards"]
    assert [float(row["confidence"] or 0) for row in rows] == [0.973, 0, 0, 0.973]
    assert [row["error"] or None for row in rows] == [
        None,
        "The text is empty.",
        "This row is refused.",
        None,
    ]
    out, err = capsys.readouterr()
    assert out == ""
    assert "Empty rows left out: 1." in err
    assert "2 rows of 4 could not be answered" in err


def test_parquet_keeps_the_types_of_its_columns(tmp_path):
    source = save_table(tmp_path / "in.parquet")
    run(source, output=str(tmp_path / "out.parquet"), text_column="body")
    assert pq.read_schema(tmp_path / "out.parquet").field("n").type == pa.int64()


def test_a_table_on_standard_output_gives_the_lines_that_rows_give(tmp_path, capsys):
    assert run(save_table(tmp_path / "in.csv")) == 3
    out, err = capsys.readouterr()
    found = [json.loads(line) for line in out.splitlines()]
    assert [line["row"] for line in found] == [1, 2, 3, 5]
    assert found[0] == {"row": 1, **ROUTED.to_json(), "score": 6.0}
    assert found[1] == {"schema": 1, "row": 2, "error": "The text is empty."}
    assert "text column: 'body', the only column with texts" in err


def test_json_lines_may_be_packed_or_hold_the_text_in_another_field(tmp_path, capsys):
    path = tmp_path / "in.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"body": "abc"}\n{"text": "abc"}\n'))
    assert run(path, text_column="body") == 3
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line.get("score") for line in found] == [3.0, None]
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(InputError, match="no complete gzip"):
        run(path)


def test_strict_leaves_no_table(tmp_path):
    with pytest.raises(InputError, match="Row 2: The text is empty"):
        run(
            save_table(tmp_path / "in.csv"), output=str(tmp_path / "out.csv"), strict=True, text_column="body"
        )
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]


def test_a_table_may_be_written_in_its_own_place_again_and_again(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("text\na\n")
    for _ in range(2):
        assert run(path, output=str(path)) == 0
    (row,) = load_table(path)
    assert list(row)[-1] == "skillstack_error"
    assert row["skillstack_task"] == row["task"] == "cards"


@pytest.mark.parametrize(
    ("content", "error", "says"),
    [
        ("one,two\na text,b text\n", UsageError, "could each hold the texts"),
        ('text,n\na,1\n"b,2\nc,3\n', InputError, "line 3: the row cannot"),
        ("text,n\n", InputError, "^$"),
        ("what is the state of my last order please\nwhere is it?\n", InputError, "no header"),
    ],
)
def test_a_table_that_is_not_clear_is_an_error_and_no_output(tmp_path, content, error, says, capsys):
    path = tmp_path / "in.csv"
    path.write_text(content)
    if says == "^$":  # a header alone is an empty table
        assert run(path, output=str(tmp_path / "out.csv")) == 0
        assert load_table(tmp_path / "out.csv") == []
        return
    with pytest.raises(error, match=says):
        run(path, output=str(tmp_path / "out.csv"))
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]


def test_many_rows_are_answered_in_their_order(tmp_path):
    made = random.Random(0)
    texts = ["x" * made.randint(1, 50) for _ in range(3000)]
    path = tmp_path / "in.csv"
    path.write_text("text\n" + "\n".join(texts) + "\n")
    assert run(path, output=str(tmp_path / "out.parquet")) == 0
    assert pq.read_table(tmp_path / "out.parquet").column("text").to_pylist() == texts


@pytest.mark.parametrize("column", ["text", "words"])
def test_a_broken_row_of_a_table_costs_no_answer_but_its_own(tmp_path, column):
    path = tmp_path / "in.csv"
    path.write_text(f"{column},kind\none text,1\na text, with a comma,2\nthe last text,3\n")
    assert run(path, output=str(tmp_path / "out.csv")) == 3
    rows = load_table(tmp_path / "out.csv")
    assert [row["task"] for row in rows] == ["cards", "", "cards"]
    assert rows[1][column] == "a text"
    assert rows[1]["error"] == "Line 3: 3 cells, but there are 2 columns."
    with pytest.raises(InputError, match="Row 2: Line 3: 3 cells"):
        run(path, output=str(tmp_path / "strict.csv"), strict=True)
    assert not (tmp_path / "strict.csv").exists()


def test_a_broken_line_of_json_is_a_row_with_an_error_where_a_table_is_written(tmp_path):
    path = tmp_path / "in.jsonl"
    path.write_text('{"text": "a"}\n{"text": \n{"text": "b"}\n')
    assert run(path, output=str(tmp_path / "out.csv")) == 3
    rows = load_table(tmp_path / "out.csv")
    assert [row["text"] for row in rows] == ["a", "", "b"]
    assert rows[1]["error"].startswith("Line 2: no JSON object")
