"""Rows of JSON lines as they arrive: each one a row, or the reason why it is none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from skillstack.errors import InputError
from skillstack.store.rows import Row, check_row

#: Two texts of the longest length that is accepted, each character escaped as six, fit twice.
MAX_LINE_BYTES = 48 << 20
_PIECE = 1 << 20
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class BadRow:
    """A line that cannot be used.

    :ivar error: why, in one sentence.
    """

    error: str


@dataclass(frozen=True)
class Line:
    """A line of input.

    :ivar number: its place in the file, from 1; blank lines count and are skipped.
    :ivar row: what it says.
    """

    number: int
    row: Row | BadRow


def read_chunks(
    stream: BinaryIO, most: int, text: str = "text", text_pair: str = "text_pair"
) -> Iterator[list[Line]]:
    """Lines in chunks of at most ``most``, none of them empty.

    A chunk never waits for more: what a pipe has brought so far is answered before more of it is read.

    :param text: the field that holds the text.
    :param text_pair: the field that holds the second text, in rows that have one.
    """
    number = 0
    for arrived in _arrivals(stream):
        chunk: list[Line] = []
        for data in arrived:
            number += 1
            if data is not None and not data.removeprefix(_BOM).strip():
                continue
            chunk.append(Line(number, _read(data, text, text_pair, first=number == 1)))
            if len(chunk) == most:
                yield chunk
                chunk = []
        if chunk:
            yield chunk


def _arrivals(stream: BinaryIO) -> Iterator[list[bytes | None]]:
    """The lines that each read completes; None for one that is too long, of which no more is kept."""
    started: list[bytes] = []
    length = 0
    while data := stream.read1(_PIECE):  # type: ignore[attr-defined]
        *ends, rest = data.split(b"\n")
        complete: list[bytes | None] = []
        for end in ends:
            complete.append(None if length + len(end) > MAX_LINE_BYTES else b"".join((*started, end)))
            started, length = [], 0
        length += len(rest)
        started = [*started, rest] if length <= MAX_LINE_BYTES else []
        if complete:
            yield complete
    if length:
        yield [None if length > MAX_LINE_BYTES else b"".join(started)]


def _read(data: bytes | None, text: str, text_pair: str, *, first: bool) -> Row | BadRow:
    if data is None:
        return BadRow(f"The line has more than {MAX_LINE_BYTES:,} bytes.")
    if first:
        data = data.removeprefix(_BOM)
    try:
        value = json.loads(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        return BadRow(f"Byte {error.start + 1} is no UTF-8.")
    except (ValueError, RecursionError) as error:
        reason = error.msg if isinstance(error, json.JSONDecodeError) else "a value is out of bounds"
        return BadRow(f'This is no JSON object such as {{"text": "..."}}: {reason}.')
    if not isinstance(value, dict):
        return BadRow(f'{type(value).__name__} instead of a JSON object such as {{"text": "..."}}.')
    if text not in value:
        return BadRow(f"The field {text} is missing.")
    try:
        return check_row(value[text], value.get(text_pair))
    except InputError as error:
        return BadRow(error.message)
