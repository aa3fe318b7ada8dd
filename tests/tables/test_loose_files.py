"""Files whose ending does not say what they hold: text files, and tables that are called workbooks."""

import pytest

from skillstack.data.tables import open_table
from skillstack.errors import InputError

CSV = "id,text,label\n1,my card is lost,card\n2,the train is late,travel\n"


def read(path, **options):
    table = open_table(path, **options)
    return table.format.kind, table.columns, [row for batch in table.batches() for row in batch.rows]


def written(tmp_path, name, text, encoding="utf-8"):
    path = tmp_path / name
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("name", ["t.txt", "t.xls", "t.xlsx"])
@pytest.mark.parametrize(
    ("separator", "kind", "encoding"),
    [(",", "csv", "utf-8"), (";", "csv", "cp1252"), ("\t", "tsv", "utf-16")],
)
def test_a_table_is_read_as_what_it_is(tmp_path, name, separator, kind, encoding):
    text = CSV.replace(",", separator).replace("late", "verspätet")
    found, columns, rows = read(written(tmp_path, name, text, encoding))
    assert (found, columns) == (kind, ("id", "text", "label"))
    assert rows[1] == ("2", "the train is verspätet", "travel")


def test_a_text_file_of_json_lines_is_read_as_json_lines(tmp_path):
    assert read(written(tmp_path, "t.txt", '{"text": "a, b"}\n')) == ("jsonl", ("text",), [("a, b",)])


@pytest.mark.parametrize(
    "text",
    [
        "please, block my card\nthanks, all fine\n",
        "one text\nanother, with a comma\n",
        "text, or not\nno comma at all\n",
    ],
)
def test_texts_with_commas_stay_texts(tmp_path, text):
    kind, columns, rows = read(written(tmp_path, "t.txt", text))
    assert (kind, columns) == ("lines", ("text",))
    assert [row[0] for row in rows] == text.splitlines()


def test_a_quoted_row_beyond_the_judged_lines_is_whole(tmp_path):
    text = "id,text\n" + "1,a\n" * 98 + '2,"b\nc"\n3,d\n'
    kind, _, rows = read(written(tmp_path, "t.txt", text))
    assert (kind, rows[-2:]) == ("csv", [("2", "b\nc"), ("3", "d")])


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("t.xls", b"\xd0\xcf\x11\xe0\xa1\xb1"),
        ("t.csv", b"\xd0\xcf\x11\xe0\xa1\xb1"),
        ("t.ods", b"PK\x03\x04"),
    ],
)
def test_an_old_workbook_is_refused_whatever_it_is_called(tmp_path, name, data):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError, match="is a workbook") as caught:
        open_table(tmp_path / name)
    assert caught.value.hint == "Save the sheet as a .csv file."


def test_without_openpyxl_a_workbook_is_refused_with_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "openpyxl", None)
    (tmp_path / "t.xlsx").write_bytes(b"PK\x03\x04")
    with pytest.raises(InputError, match="is a workbook") as caught:
        open_table(tmp_path / "t.xlsx")
    assert "openpyxl" in caught.value.hint


@pytest.fixture
def workbook(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in (["id", "text", "label"], [1, "lost, or stolen", "card"], [], [2.5, None, True]):
        book.active.append(row)
    book.create_sheet("other").append(["no", "row"])
    path = tmp_path / "t.xlsx"
    book.save(path)
    return path


def test_with_openpyxl_the_first_sheet_of_a_workbook_is_read(workbook):
    assert read(workbook) == (
        "xlsx",
        ("id", "text", "label"),
        [("1", "lost, or stolen", "card"), ("2.5", "", "true")],
    )
    (batch,) = open_table(workbook).batches(lenient=True)
    assert (batch.numbers, batch.lines, list(batch.errors)) == ([1, 2, 3], [2, 3, 4], [1])


def test_with_openpyxl_a_broken_workbook_is_an_input_error(tmp_path):
    pytest.importorskip("openpyxl")
    (tmp_path / "t.xlsx").write_bytes(b"PK\x03\x04 cut off")
    with pytest.raises(InputError, match="no workbook that can be read"):
        open_table(tmp_path / "t.xlsx")
