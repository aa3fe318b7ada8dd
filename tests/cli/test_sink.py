import gzip
import json
import os

import pytest

from skillstack.cli.cells import PREDICTION, ROUTE
from skillstack.cli.sink import open_cell_sink, open_sink
from skillstack.data.batches import TableBatch
from skillstack.errors import UsageError

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
        "text,label,task,family,frame,confidence,skillstack_label,probability,error",
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
