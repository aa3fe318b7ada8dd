import csv
import gzip
import io
import json
import os
import random
import threading
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillstack.cli import inputs
from skillstack.cli.batch import (
    PREDICTION,
    ROUTE,
    Form,
    answer_batch,
    check_output,
    id_column,
    open_cell_sink,
    open_sink,
    route_cells,
)
from skillstack.cli.inputs import BadRow, is_table, open_cells, open_lines, read_chunks
from skillstack.data.batches import TableBatch
from skillstack.errors import InputError, UsageError
from skillstack.store.rows import Row

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


FORM = Form(lambda text, routed: text, route_cells, ROUTE)


def answer(rows):
    if any("refuse" in row.text for row in rows):
        raise InputError("This row is refused.", "")
    return [replace(ROUTED, score=float(len(row.text))) for row in rows]


def run(path, **options):
    settings = {"output": None, "strict": False, "as_json": True, **options}
    return answer_batch(answer, FORM, source=str(path), **settings)


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
    assert list(rows[0]) == ["n", "body", "task", "family", "frame", "route_confidence", "error"]
    assert [str(row["n"] or "") for row in rows] == ["1", "2", "3", "", "5"]
    assert rows[4]["body"] == "NA, with\na line"
    assert [row["task"] or None for row in rows] == ["cards", None, None, None, "cards"]
    assert [float(row["route_confidence"] or 0) for row in rows] == [0.973, 0, 0, 0, 0.973]
    assert [row["error"] or None for row in rows] == [
        None,
        "The text is empty.",
        "This row is refused.",
        "The row is empty.",
        None,
    ]
    out, err = capsys.readouterr()
    assert out == ""
    assert "3 rows of 5 could not be answered" in err


def test_parquet_keeps_the_types_of_its_columns(tmp_path):
    source = save_table(tmp_path / "in.parquet")
    run(source, output=str(tmp_path / "out.parquet"), text_column="body")
    assert pq.read_schema(tmp_path / "out.parquet").field("n").type == pa.int64()


def test_a_table_on_standard_output_gives_the_lines_that_rows_give(tmp_path, capsys):
    assert run(save_table(tmp_path / "in.csv")) == 3
    out, err = capsys.readouterr()
    found = [json.loads(line) for line in out.splitlines()]
    assert [line["row"] for line in found] == [1, 2, 3, 4, 5]
    assert found[3] == {"schema": 1, "row": 4, "error": "The row is empty."}
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


def lines(rows):
    return [(line.number, line.row) for chunk in rows.chunks for line in chunk.lines]


def test_the_ending_says_what_is_a_table():
    assert all(is_table(name) for name in ("a.csv", "a.tsv.gz", "a.parquet"))
    assert not any(is_table(name) for name in ("a.jsonl", "a.json", "-", "a.txt", None))


def test_the_option_for_the_field_is_named_once_where_rows_lack_it(tmp_path, capsys):
    path = tmp_path / "in.jsonl"
    path.write_text('{"body": "my parcel has not arrived"}\n{"body": "refund my invoice"}\n')
    assert run(path) == 3
    assert capsys.readouterr().err.count("--text-column") == 1
    run(path, text_column="body")
    assert "--text-column" not in capsys.readouterr().err


def test_rows_of_a_table_come_with_all_their_cells(tmp_path):
    path = tmp_path / "in.csv"
    path.write_text("id,text,text_pair\n1,a,\n\n2,b,c\n3,,d\n")
    with open_cells(str(path), None, None) as rows:
        assert rows.columns == ("id", "text", "text_pair")
        (chunk,) = rows.chunks
    assert [line.row for line in chunk.lines] == [
        Row("a"),
        BadRow("The row is empty."),
        Row("b", "c"),
        BadRow("The text is empty."),
    ]
    assert [line.number for line in chunk.lines] == [1, 2, 3, 4]
    assert [row[0] for row in chunk.batch.rows] == ["1", "", "2", "3"]


@pytest.mark.parametrize("opened", [open_lines, open_cells])
def test_what_is_not_there_is_an_input_error(tmp_path, opened):
    for name in ("nothing.csv", "nothing.jsonl", "."):
        with pytest.raises(InputError), opened(str(tmp_path / name), None, None) as rows:
            lines(rows)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no named pipes in folders")
def test_a_named_pipe_can_be_a_table(tmp_path):
    path = tmp_path / "pipe.csv"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_text, args=("text\na\n",))
    writer.start()
    with open_cells(str(path), None, None) as rows:
        assert lines(rows) == [(1, Row("a"))]
    writer.join()
    assert [entry.name for entry in tmp_path.iterdir()] == ["pipe.csv"]


def test_packed_json_lines_that_are_cut_or_damaged_are_an_input_error(tmp_path):
    path = tmp_path / "in.jsonl.gz"
    text = f'{{"text": "{random.Random(0).randbytes(2000).hex()}"}}\n'
    whole = gzip.compress(text.encode() * 3)
    for data in (text.encode(), whole[: len(whole) // 2], whole[:50] + bytes(50) + whole[100:]):
        path.write_bytes(data)
        with (
            open_lines(str(path), None, None) as rows,
            pytest.raises(InputError, match="no complete gzip file"),
        ):
            lines(rows)


def test_a_header_that_is_only_assumed_is_mentioned(tmp_path, capsys):
    path = tmp_path / "in.csv"
    path.write_text("stop it\nblock my card\n")
    with open_cells(str(path), None, None) as rows:
        assert lines(rows) == [(1, Row("block my card"))]
    assert "First row taken as header: 'stop it'." in capsys.readouterr().err


def read(data: bytes, most: int = 1000):
    return [line for chunk in read_chunks(io.BytesIO(data), most) for line in chunk]


def test_each_line_is_a_row_with_its_number():
    found = read(b'{"text": "a"}\r\n\n{"text": "b", "text_pair": "c", "label": 1}')
    assert [(line.number, line.row) for line in found] == [(1, Row("a")), (3, Row("b", "c"))]


def test_other_fields_may_hold_the_texts():
    stream = io.BytesIO(b'{"text": "a", "q": "b", "other": "c"}\n{"text": "a"}')
    chunks = read_chunks(stream, 9, "q", "other")
    assert [line.row for chunk in chunks for line in chunk] == [
        Row("b", "c"),
        BadRow("The field q is missing."),
    ]


def test_a_byte_order_mark_at_the_start_is_no_error():
    assert read(b'\xef\xbb\xbf{"text": "a"}\n')[0].row == Row("a")
    assert read(b"\xef\xbb\xbf\n") == []


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"no json", "not a JSON object"),
        (b'{"text": "a"', "not a JSON object"),
        (b"[1]", "list instead of a JSON object"),
        (b'"a"', "str instead of a JSON object"),
        (b"{}", "field text is missing"),
        (b'{"text": 7}', "not a string"),
        (b'{"text": ""}', "empty"),
        (b'{"text": "a\\u0000"}', "NUL"),
        (b'{"text": "\\ud800"}', "lone surrogate"),
        (b'{"text": "a", "text_pair": ""}', "second text is empty"),
        (b'{"text": "\xff"}', "Byte 11 is not valid UTF-8"),
        (b'{"text": "\xed\xa0\x80"}', "not valid UTF-8"),
        (b"[" * 100_000, "out of bounds"),
        (b"9" * 10_000, "out of bounds"),
        (b'{"text": "' + b"a" * 2_000_001 + b'"}', "2,000,001 characters"),
    ],
)
def test_a_bad_line_says_why_and_spoils_no_other(data, reason):
    first, bad, last = read(b'{"text": "a"}\n' + data + b'\n{"text": "b"}\n')
    assert (first.row, last.row) == (Row("a"), Row("b"))
    assert isinstance(bad.row, BadRow)
    assert bad.number == 2
    assert reason in bad.row.error


def test_a_line_without_an_end_does_not_fill_the_memory(monkeypatch):
    monkeypatch.setattr(inputs, "MAX_LINE_BYTES", 50)
    monkeypatch.setattr(inputs, "_PIECE", 16)
    good = b'{"text": "a"}'
    for data in (b"x" * 400 + b"\n" + good, good + b"\n" + b"x" * 400, b"x" * 51 + b"\n" + good):
        found = read(data)
        assert sorted(isinstance(line.row, BadRow) for line in found) == [False, True]


@given(st.lists(st.text(max_size=20), max_size=30), st.integers(1, 7), st.integers(1, 40))
def test_how_the_bytes_arrive_changes_nothing(texts, most, piece):
    data = "\n".join(json.dumps({"text": text}, ensure_ascii=False) for text in texts)
    expected = read(data.encode("utf-8", "surrogatepass"))
    before, inputs._PIECE = inputs._PIECE, piece
    try:
        chunks = list(read_chunks(io.BytesIO(data.encode("utf-8", "surrogatepass")), most))
    finally:
        inputs._PIECE = before
    assert [line for chunk in chunks for line in chunk] == expected
    assert all(1 <= len(chunk) <= most for chunk in chunks)


BATCH = TableBatch(("text", "label"), [("a", "b")], [1], [2])


def test_a_file_appears_when_it_is_whole(tmp_path):
    path = tmp_path / "out.jsonl"
    with open_sink(str(path), as_json=False) as sink:
        sink({"row": 1}, lambda: "one")
        assert not path.exists()
    assert json.loads(path.read_text()) == {"schema": 1, "row": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "out.jsonl"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt), open_sink(str(path), as_json=True) as sink:
        sink({"row": 1}, lambda: "one")
        raise KeyboardInterrupt
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_of_ones_own_is_not_taken_for_a_temporary_one(tmp_path):
    own = tmp_path / f".tmp-{os.getpid()}-out.jsonl"
    own.write_text("somebody's own")
    with open_sink(str(tmp_path / "out.jsonl"), as_json=True):
        pass
    assert own.read_text() == "somebody's own"


@pytest.mark.parametrize(
    "opened", [lambda path: open_sink(path, as_json=True), lambda path: open_cell_sink(path, (), ROUTE)]
)
def test_a_folder_that_is_not_there_is_named(tmp_path, opened):
    path = tmp_path / "nosuch" / "out.csv"
    with pytest.raises(UsageError) as caught, opened(str(path)):
        pass
    assert f"There is no folder {path.parent}" in caught.value.message
    assert "Make the folder" in caught.value.hint


def test_a_device_is_written_to_and_not_replaced(tmp_path):
    with open_sink("/dev/null", as_json=True) as sink:
        sink({"row": 1}, lambda: "one")


@pytest.mark.parametrize("as_json", [True, False])
def test_standard_output_gets_lines_or_words(capsys, as_json):
    with open_sink("-", as_json=as_json) as sink:
        sink({"row": 1}, lambda: "one")
    assert capsys.readouterr().out == ('{"schema": 1, "row": 1}\n' if as_json else "one\n")


def test_packed_lines_are_packed(tmp_path):
    path = tmp_path / "out.jsonl.gz"
    with open_sink(str(path), as_json=True) as sink:
        sink({"row": 1}, lambda: "one")
    assert gzip.decompress(path.read_bytes()) == b'{"schema": 1, "row": 1}\n'


def test_a_table_appears_when_it_is_whole_with_its_columns_and_the_answers(tmp_path):
    path = tmp_path / "out.csv"
    with open_cell_sink(str(path), BATCH.columns, PREDICTION) as sink:
        sink(BATCH, [{"task": "cards", "label": "block", "probability": 0.9}])
        assert not path.exists()
    assert path.read_text().splitlines() == [
        "text,label,task,family,frame,route_confidence,skillstack_label,probability,error",
        "a,b,cards,,,,block,0.9,",
    ]
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("ending", ["csv", "parquet", "tsv.gz"])
def test_a_failure_leaves_the_old_table(tmp_path, ending):
    path = tmp_path / f"out.{ending}"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt), open_cell_sink(str(path), BATCH.columns, ROUTE) as sink:
        sink(BATCH, [{"error": "no"}])
        raise KeyboardInterrupt
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_table_of_answers_is_utf_8_whatever_the_encoding_of_the_input(tmp_path, capsys):
    source, target = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_bytes("n,text\n1,wo ist die Überweisung\n2,schöne Grüße\n".encode("cp1252"))
    assert run(source, output=str(target)) == 0
    assert [row["text"] for row in load_table(target)] == ["wo ist die Überweisung", "schöne Grüße"]
    assert "in.csv is read as cp1252; --encoding says otherwise." in capsys.readouterr().err


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le"])
def test_lines_from_a_pipe_of_windows_are_read(monkeypatch, capsys, encoding):
    data = "".join(f'{{"text": "größe {n}"}}\r\n' for n in range(9)).encode(encoding)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(data))))
    assert run("-") == 0
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 9
    assert err == "standard input is read as UTF-16; --encoding says otherwise.\n"


def test_lines_in_an_encoding_that_is_named_are_read_without_a_note(tmp_path, capsys):
    path = tmp_path / "in.jsonl"
    path.write_bytes('{"text": "где моя карта"}\n'.encode("cp1251"))
    assert run(path, encoding="cp1251") == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("source", ["lines.txt", "lines.log", "-"])
def test_each_line_of_a_text_file_or_a_pipe_is_a_text(tmp_path, monkeypatch, capsys, source):
    data = "\ufeffmy card, please\r\n\nrefuse this\n[urgent] help".encode()
    if source == "-":
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
    else:
        (tmp_path / source).write_bytes(data)
        source = tmp_path / source
    assert run(source) == 3
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["row"], line.get("score"), line.get("error")) for line in found] == [
        (1, 15.0, None),
        (3, None, "This row is refused."),
        (4, 13.0, None),
    ]


def test_texts_have_one_column_in_a_table_of_answers(tmp_path):
    source, target = tmp_path / "lines.txt", tmp_path / "out.csv"
    source.write_text("my card, please\nwhere is it\n")
    assert run(source, output=str(target)) == 0
    assert [row["text"] for row in load_table(target)] == ["my card, please", "where is it"]


def test_a_table_in_a_text_file_keeps_its_columns(tmp_path):
    source, target = save_table(tmp_path / "in.tsv").rename(tmp_path / "in.txt"), tmp_path / "out.csv"
    assert run(source, output=str(target), text_column="body") == 3
    assert [row["n"] for row in load_table(target)] == ["1", "2", "3", "", "5"]


def test_a_broken_first_line_of_json_is_a_bad_row(monkeypatch, capsys):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b'{"text": "a"\n{"text": "b"}\n')))
    assert run("-") == 3
    assert "not a JSON object" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["out.xlsx", "out.txt", "out", "out.parquet.gz"])
def test_an_output_of_no_known_format_is_refused_at_once(tmp_path, name):
    with pytest.raises(UsageError, match="the ending does not say") as caught:
        check_output(str(tmp_path / name))
    assert ".parquet" in caught.value.hint


def test_a_device_needs_no_ending():
    check_output(os.devnull)


@pytest.mark.parametrize(
    ("columns", "rows", "place"),
    [
        (("text", "ID"), [("a", "x"), ("b", "x")], 1),
        (("text", "Number "), [("a", ""), ("b", "")], 1),
        (("text", "n", "m"), [("1", "7", "1"), ("b", "7", "2")], 2),
        (("text", "n"), [("a", "1"), ("b", "")], None),
        (("text", "n"), [("a", "1")], None),
    ],
)
def test_the_column_that_names_rows_is_found(columns, rows, place):
    assert id_column(TableBatch(columns, rows, [1, 2], [2, 3])) == place


class Terminal(io.StringIO):
    """What is printed on a terminal."""

    def isatty(self):
        return True


def test_on_a_terminal_a_table_shows_ids_and_ends_with_a_total(tmp_path, monkeypatch, capsys):
    source = tmp_path / "in.csv"
    source.write_text("ticket,body\n4711,a text\n4712,refuse\n4713,another\n")
    monkeypatch.setattr("sys.stdout", shown := Terminal())
    assert run(source, as_json=False, text_column="body") == 3
    lines = shown.getvalue().splitlines()
    assert [line.split()[:2] for line in lines] == [["1", "4711"], ["2", "4712"], ["3", "4713"]]
    total = capsys.readouterr().err.splitlines()[0]
    assert total == "cards 2, 1 error"


def test_away_from_a_terminal_answers_have_their_row_alone(tmp_path, capsys):
    source = tmp_path / "in.csv"
    source.write_text("ticket,body\n4711,a text\n4712,another\n")
    assert run(source, as_json=False, text_column="body") == 0
    out, err = capsys.readouterr()
    assert "4711" not in out
    assert err == ""


def test_a_table_of_answers_keeps_the_order_of_columns_and_rows(tmp_path):
    source, target = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text("z,error,text,a\n1,,x,2\n3,,y,4\n")
    assert run(source, output=str(target)) == 0
    rows = load_table(target)
    assert list(rows[0])[:4] == ["z", "error", "text", "a"]
    assert [row["z"] for row in rows] == ["1", "3"]
    assert "skillstack_error" in rows[0]
