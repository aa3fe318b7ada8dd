import gzip
import random
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pc
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from skillstack.data.tables import open_table
from skillstack.errors import InputError

from .conftest import save

ENDINGS = ["csv", "tsv", "jsonl", "parquet", "csv.gz", "tsv.gz", "jsonl.gz"]
CELLS = st.text(st.characters(codec="utf-8"), max_size=12)
ROWS = st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=20)


def filled(rows):
    return [row for row in rows if any(cell.strip() for cell in row)]


def read(path, size=1024):
    return [row for batch in open_table(path).batches(size=size) for row in batch.rows]


@pytest.mark.parametrize("ending", ENDINGS)
@given(rows=ROWS, size=st.integers(1, 5))
def test_what_other_tools_write_is_read_as_the_same_strings(tmp_path_factory, ending, rows, size):
    # Where other tools put only such a cell in quotes, nobody can tell it from rows with stray quotes.
    assume(
        "tsv" not in ending or not any("\t" in c and ("\n" in c or "\r" in c) for row in rows for c in row)
    )
    path = save(tmp_path_factory.mktemp("t") / f"t.{ending}", ("a", "b", "c"), rows)
    if ending.startswith("jsonl") and not rows:
        return
    assert read(path, size) == filled(rows)


@pytest.mark.parametrize(("ending", "separator"), [("csv", ","), ("tsv", "\t")])
@given(rows=ROWS.filter(bool))
def test_what_arrow_writes_is_read_as_the_same_strings(tmp_path_factory, ending, separator, rows):
    path = tmp_path_factory.mktemp("t") / f"t.{ending}"
    table = pa.table(list(zip(*rows, strict=True)), names=["a", "b", "c"])
    pc.write_csv(table, path, pc.WriteOptions(delimiter=separator))
    assert read(path) == filled(rows)


def test_a_table_can_be_read_again_and_again(tickets):
    table = open_table(tickets)
    assert list(table.batches(size=7)) == list(table.batches(size=7))
    with table.open() as stream:
        assert sum(len(batch.rows) for batch in table.batches(stream)) == 60
        assert stream.tell() == tickets.stat().st_size


@pytest.mark.parametrize("name", ["nothing.csv", ".", "t.csv", "t.csv.gz", "t.xlsx"])
def test_what_cannot_be_opened_is_an_error_that_says_why(tmp_path, name):
    (tmp_path / "t.csv").mkdir()
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(b"text,label\n" + b"a,b\n" * 99)[:-20])
    with pytest.raises(InputError) as caught:
        read(tmp_path / name)
    assert caught.value.hint


def test_a_packed_file_that_is_cut_or_damaged_is_an_error(tmp_path):
    path = tmp_path / "t.csv.gz"
    whole = gzip.compress(random.Random(0).randbytes(2000).hex().encode())
    for data in (b"text,label\n", whole[: len(whole) // 2], whole[:50] + bytes(50) + whole[100:]):
        path.write_bytes(data)
        with pytest.raises(InputError, match="no complete gzip file"):
            read(path)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no resource.getrusage")
@pytest.mark.slow
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_table_of_100_megabytes_is_read_in_little_memory(tmp_path, ending):
    path = tmp_path / f"large.{ending}"
    words = random.Random(0).randbytes(400).hex()
    rows = 120_000
    if ending == "csv":
        with path.open("w") as file:
            file.write("text,label\n")
            file.writelines(f"{n} {words},{n % 5}\n" for n in range(rows))
        assert path.stat().st_size > 90_000_000
    else:
        texts = pa.array([f"{n} {words}" for n in range(rows)])
        labels = pa.array([str(n % 5) for n in range(rows)])
        import pyarrow.parquet as pq

        pq.write_table(
            pa.table({"text": texts, "label": labels}), path, use_dictionary=False, compression="none"
        )
    code = (
        "import resource, sys, pyarrow.parquet; from pathlib import Path\n"
        "from skillstack.data.columns import find_columns; from skillstack.data.tables import open_table\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "before = peak(); columns = find_columns(open_table(Path(sys.argv[1])))\n"
        "print(columns.rows, columns.text, peak() - before)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    found, text, kilobytes = done.stdout.split()
    assert (int(found), text) == (rows, "text")
    assert int(kilobytes) / (1024 if sys.platform == "darwin" else 1) < 40_000
