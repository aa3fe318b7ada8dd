import csv
import gzip
import json
from contextlib import ExitStack

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillstack.data import tables
from skillstack.data.batches import format_of
from skillstack.data.tables import free_names, open_table, table_writer

from .conftest import save

ENDINGS = ["csv", "tsv", "jsonl", "parquet", "csv.gz", "jsonl.gz"]
CELLS = st.text(st.characters(codec="utf-8"), max_size=12)


def copy(source, target, added=None, size=2):
    """Write a table again, with a text and a number beside each row."""
    table = open_table(source)
    with target.open("wb") as file, ExitStack() as stack:
        types = {"said": str, "share": float}
        write = stack.enter_context(table_writer(file, format_of(target.name), table.columns, types))
        for batch in table.batches(size=size):
            write(batch, {"said": [None] * len(batch.rows), "share": [0.5] * len(batch.rows)})
        stack.close()
        assert not file.closed
    return target


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("origin", ["csv", "parquet"])
@given(rows=st.lists(st.tuples(CELLS, CELLS).filter(lambda row: row[0].strip()), max_size=9))
def test_all_columns_are_kept_and_others_added(tmp_path_factory, ending, origin, rows):
    folder = tmp_path_factory.mktemp("t")
    copied = copy(save(folder / f"in.{origin}", ("a", "b"), rows), folder / f"out.{ending}")
    if not rows and ending.startswith("jsonl"):
        assert (gzip.open if ending.endswith("gz") else open)(copied, "rb").read() == b""
        return
    table = open_table(copied)
    assert table.columns == ("a", "b", "said", "share")
    assert [row for batch in table.batches() for row in batch.rows] == [(*row, "", "0.5") for row in rows]


@given(
    rows=st.lists(
        st.tuples(st.text('"\t\n\ra', max_size=9), st.text('"\t\na', max_size=9)).filter(
            lambda row: row[0].strip()
        ),
        min_size=1,
        max_size=4,
    )
)
def test_a_tsv_of_quotes_tabs_and_line_ends_comes_back(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("t")
    copied = copy(save(folder / "in.csv", ("a", "b"), rows), folder / "out.tsv")
    assert [row[:2] for batch in open_table(copied).batches() for row in batch.rows] == rows


def test_a_cell_that_looks_like_rows_comes_back_from_a_tsv(tmp_path):
    cell = "x\t1\t2\t3\ny"
    copied = copy(save(tmp_path / "in.csv", ("a", "b"), [(cell, "b")]), tmp_path / "out.tsv")
    (batch,) = open_table(copied).batches()
    assert batch.rows == [(cell, "b", "", "0.5")]


def test_parquet_keeps_the_types_and_writes_few_groups(tmp_path, monkeypatch):
    source = tmp_path / "in.parquet"
    kinds = pa.array(["x", None] * 500).dictionary_encode()
    pq.write_table(
        pa.table({"n": range(1000), "list": [[1]] * 1000, "kind": kinds}), source, row_group_size=100
    )
    monkeypatch.setattr(tables, "GROUP_ROWS", 400)
    copied = pq.ParquetFile(copy(source, tmp_path / "out.parquet", size=50))
    assert copied.metadata.num_row_groups == 3
    read = copied.read()
    assert read.drop_columns(["said", "share"]).equals(pq.read_table(source))
    assert [str(t) for t in read.schema.types[-2:]] == ["string", "double"]


def test_an_empty_cell_alone_in_its_row_is_a_row(tmp_path):
    copied = copy(save(tmp_path / "in.csv", ("a",), [("x",)]), tmp_path / "out.csv")
    with copied.open(newline="") as file:
        assert list(csv.reader(file)) == [["a", "said", "share"], ["x", "", "0.5"]]


def test_what_json_can_say_and_utf_8_cannot_is_written_as_an_escape(tmp_path):
    source = tmp_path / "in.jsonl"
    source.write_text('{"a": "\\ud800!"}\n')
    for ending in ("csv", "jsonl", "parquet"):
        (batch,) = open_table(copy(source, tmp_path / f"out.{ending}")).batches()
        assert batch.rows[0][0] == ("\ud800!" if ending == "jsonl" else "\\ud800!")


def test_the_same_rows_give_the_same_packed_bytes(tmp_path):
    source = save(tmp_path / "in.csv", ("a",), [("x",)])
    assert (
        copy(source, tmp_path / "1.csv.gz").read_bytes() == copy(source, tmp_path / "2.csv.gz").read_bytes()
    )


def test_json_lines_hold_numbers_as_numbers_and_nothing_as_null(tmp_path):
    copied = copy(save(tmp_path / "in.csv", ("a",), [("7",)]), tmp_path / "out.jsonl")
    assert json.loads(copied.read_text()) == {"a": "7", "said": None, "share": 0.5}


def test_a_name_that_is_taken_gets_a_prefix():
    assert free_names(("text", "label"), ("task", "label")) == {"task": "task", "label": "skillstack_label"}
    taken = ("label", "skillstack_label")
    assert free_names(taken, ("label",)) == {"label": "skillstack_skillstack_label"}
