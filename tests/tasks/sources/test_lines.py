import gzip
from pathlib import Path

import pytest

from skillstack.data import lines
from skillstack.data.lines import read_lines
from skillstack.errors import InputError


def test_a_gzip_bomb_in_one_line_is_refused_before_it_fills_the_memory(tmp_path: Path) -> None:
    file = tmp_path / "train.jsonl.gz"
    with gzip.open(file, "wb", compresslevel=1) as stream:
        for _ in range(64):
            stream.write(b" " * 2**20)
    with pytest.raises(InputError, match="line 1: longer than"):
        list(read_lines(file))


def test_a_file_without_end_is_read_no_further_than_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "MAX_FILE_BYTES", 1_000)
    file = tmp_path / "train.jsonl.gz"
    file.write_bytes(gzip.compress(b'{"text": "again"}\n' * 100_000))
    read = 0
    with pytest.raises(InputError, match="Keep fewer rows"):
        for number, _ in read_lines(file):
            read = number
    assert read <= 1_000 // 18


def test_too_many_lines_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MAX_LINES", 3)
    file = tmp_path / "train.jsonl"
    file.write_text("{}\n" * 4)
    with pytest.raises(InputError, match="more than 3 lines"):
        list(read_lines(file))


def test_lines_may_end_as_on_windows_and_the_last_need_not_end(tmp_path: Path) -> None:
    file = tmp_path / "train.jsonl"
    file.write_bytes(b"{}\r\n[]")
    assert [(number, text.strip()) for number, text in read_lines(file)] == [(1, "{}"), (2, "[]")]


def test_a_file_that_vanished_is_an_error_of_ours(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"Cannot read .*: No such file"):
        list(read_lines(tmp_path / "train.jsonl"))
