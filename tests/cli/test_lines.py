import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillstack.cli import lines
from skillstack.cli.lines import BadRow, read_chunks
from skillstack.store.rows import Row


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
        (b"no json", "no JSON object"),
        (b'{"text": "a"', "no JSON object"),
        (b"[1]", "list instead of a JSON object"),
        (b'"a"', "str instead of a JSON object"),
        (b"{}", "field text is missing"),
        (b'{"text": 7}', "not a string"),
        (b'{"text": ""}', "empty"),
        (b'{"text": "a\\u0000"}', "NUL"),
        (b'{"text": "\\ud800"}', "lone surrogate"),
        (b'{"text": "a", "text_pair": ""}', "second text is empty"),
        (b'{"text": "\xff"}', "Byte 11 is no UTF-8"),
        (b'{"text": "\xed\xa0\x80"}', "no UTF-8"),
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
    monkeypatch.setattr(lines, "MAX_LINE_BYTES", 50)
    monkeypatch.setattr(lines, "_PIECE", 16)
    good = b'{"text": "a"}'
    for data in (b"x" * 400 + b"\n" + good, good + b"\n" + b"x" * 400, b"x" * 51 + b"\n" + good):
        found = read(data)
        assert sorted(isinstance(line.row, BadRow) for line in found) == [False, True]


@given(st.lists(st.text(max_size=20), max_size=30), st.integers(1, 7), st.integers(1, 40))
def test_how_the_bytes_arrive_changes_nothing(texts, most, piece):
    data = "\n".join(json.dumps({"text": text}, ensure_ascii=False) for text in texts)
    expected = read(data.encode("utf-8", "surrogatepass"))
    before, lines._PIECE = lines._PIECE, piece
    try:
        chunks = list(read_chunks(io.BytesIO(data.encode("utf-8", "surrogatepass")), most))
    finally:
        lines._PIECE = before
    assert [line for chunk in chunks for line in chunk] == expected
    assert all(1 <= len(chunk) <= most for chunk in chunks)
