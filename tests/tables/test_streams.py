import io
from pathlib import Path

import pytest

from skillstack.data import lines
from skillstack.data.lines import text_lines
from skillstack.errors import InputError

PATH = Path("rows.csv")


def read(data: bytes):
    return list(text_lines(io.BytesIO(data), PATH))


def test_lines_end_as_they_do_on_any_system():
    assert read(b"a\nb\r\nc\rd") == [(1, "a\n"), (2, "b\r\n"), (3, "c\r"), (4, "d")]


def test_a_byte_order_mark_is_no_part_of_the_text():
    assert read("\ufeffa\n\ufeffb".encode()) == [(1, "a\n"), (2, "\ufeffb")]


@pytest.mark.parametrize(
    ("data", "where"),
    [
        (b"\xe9", "line 1: byte 1"),
        ("gr\xfc\xdfe\n".encode() + "gr\xfc\xdfe".encode("latin-1"), "line 2: byte 3"),
        (b"a\rb\rcd\xff\n", "line 3: byte 3"),
        (b"a\r\nb\xed\xa0\x80", "line 2: byte 2"),
    ],
)
def test_mixed_encodings_are_an_error_that_names_line_and_byte(data, where):
    with pytest.raises(InputError, match=where) as caught:
        read(data)
    assert "UTF-8" in caught.value.hint


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le"])
def test_utf_16_is_called_by_its_name(encoding):
    data = b"\xff\xfe" * (encoding == "utf-16-le") + "text".encode(encoding)
    with pytest.raises(InputError, match="UTF-16"):
        read(data)


def test_a_line_without_an_end_does_not_fill_the_memory(monkeypatch):
    monkeypatch.setattr(lines, "MAX_LINE_BYTES", 10)
    assert len(read(b"123456789\n" * 3)) == 3
    with pytest.raises(InputError, match="line 2: longer than 10 bytes"):
        read(b"a\n" + b"x" * 11)
