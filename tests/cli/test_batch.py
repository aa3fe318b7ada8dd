import json
from dataclasses import replace

import pytest

from skillstack.cli.batch import answer_batch
from skillstack.errors import InputError

from .answers import ROUTED


def answer(rows):
    if any("refuse" in row.text for row in rows):
        raise InputError("This row is refused.", "")
    return [replace(ROUTED, score=float(len(row.text))) for row in rows]


def run(path, **options):
    settings = {"output": None, "strict": False, "as_json": True, **options}
    return answer_batch(answer, lambda row, routed: row.text, source=str(path), **settings)


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
