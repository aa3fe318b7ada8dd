import gzip
import os
import random
import threading

import pytest

from skillstack.cli.inputs import is_table, open_cells, open_lines
from skillstack.cli.lines import BadRow
from skillstack.errors import InputError
from skillstack.store.rows import Row


def lines(rows):
    return [(line.number, line.row) for chunk in rows.chunks for line in chunk.lines]


def test_the_ending_says_what_is_a_table():
    assert all(is_table(name) for name in ("a.csv", "a.tsv.gz", "a.parquet"))
    assert not any(is_table(name) for name in ("a.jsonl", "a.json", "-", "a.txt", None))


def test_rows_of_a_table_come_with_all_their_cells(tmp_path):
    path = tmp_path / "in.csv"
    path.write_text("id,text,text_pair\n1,a,\n\n2,b,c\n3,,d\n")
    with open_cells(str(path), None, None) as rows:
        assert rows.columns == ("id", "text", "text_pair")
        (chunk,) = rows.chunks
    assert [line.row for line in chunk.lines] == [Row("a"), Row("b", "c"), BadRow("The text is empty.")]
    assert [line.number for line in chunk.lines] == [1, 3, 4]
    assert [row[0] for row in chunk.batch.rows] == ["1", "2", "3"]


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
