import datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from skillstack.data.tables import open_table
from skillstack.errors import InputError


def rows(path):
    return [row for batch in open_table(path).batches() for row in batch.rows]


def test_values_of_all_types_are_cells(tmp_path):
    path = tmp_path / "t.parquet"
    table = pa.table(
        {
            "text": ["NA", "b"],
            "n": [1, None],
            "f": [1.0, float("nan")],
            "yes": [True, False],
            "day": [datetime.date(2024, 2, 29), None],
            "kind": pa.array(["x", "y"]).dictionary_encode(),
            "list": [["a"], None],
            "raw": [b"\xff", b"a"],
        }
    )
    pq.write_table(table, path)
    assert rows(path) == [
        ("NA", "1", "1.0", "true", "2024-02-29", "x", '["a"]', "\\xff"),
        ("b", "", "", "false", "", "y", "", "a"),
    ]


def test_empty_rows_are_left_out_and_counted(tmp_path):
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"a": ["x", None, " ", "y"]}), path)
    (batch,) = open_table(path).batches()
    assert (batch.rows, batch.numbers, batch.empty) == ([("x",), ("y",)], [1, 4], 2)
    assert batch.arrow.column(0).to_pylist() == ["x", "y"]


@pytest.mark.parametrize("damage", ["text", "cut", "middle", "empty"])
def test_a_damaged_file_is_an_error(tmp_path, damage):
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"a": [f"text {n}" for n in range(5000)]}), path)
    data = bytearray(path.read_bytes())
    data[100:2000] = bytes(1900) if damage == "middle" else data[100:2000]
    path.write_bytes({"text": b"a,b\n", "cut": data[:-100], "empty": b""}.get(damage, bytes(data)))
    with pytest.raises(InputError, match="Parquet"):
        rows(path)


def test_two_columns_of_one_name_are_an_error(tmp_path):
    path = tmp_path / "t.parquet"
    pq.write_table(pa.Table.from_arrays([pa.array(["x"]), pa.array(["y"])], names=["a", "a"]), path)
    with pytest.raises(InputError, match="two columns"):
        open_table(path)
