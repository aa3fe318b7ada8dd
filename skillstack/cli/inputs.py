"""Where rows come from: lines as they arrive, JSON or plain texts, or a table whose text column is found."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import sys
import tempfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from skillstack.cli import console
from skillstack.data.batches import TableBatch, format_of
from skillstack.data.columns import TextColumns, find_text
from skillstack.data.encodings import UTF_8, as_utf_8, detect_encoding, encoding_note, wide_encoding
from skillstack.data.formats import format_in, is_loose
from skillstack.data.headers import header_note
from skillstack.data.lines import BYTE_ORDER_MARK, MAX_LINE_BYTES, explained, unpacked
from skillstack.data.tables import open_table
from skillstack.errors import InputError
from skillstack.store.rows import Row, check_row

if TYPE_CHECKING:
    from skillstack.stack import Stack

#: Rows that are answered together at most. Enough for full speed; few enough that an answer comes soon.
CHUNK = 1024
MISSING_FIELD = "The field {} is missing."
_TOO_LONG = f"The line has more than {MAX_LINE_BYTES:,} bytes."
#: What JSON lines begin with, or an array of JSON that somebody took for them.
_OPENING = (b"{", b"[{", b'["')
_PIECE = 1 << 20


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


@dataclass(frozen=True)
class Chunk:
    """Some rows of input.

    :ivar lines: what they say, in their order.
    :ivar batch: the same rows with all their cells, where they stand in a table.
    """

    lines: list[Line]
    batch: TableBatch | None = None


@dataclass(frozen=True)
class Rows:
    """An open source of rows.

    :ivar stream: its bytes, to tell how far it is read.
    :ivar chunks: all its rows.
    :ivar columns: names of a table's columns.
    """

    stream: BinaryIO
    chunks: Iterator[Chunk]
    columns: tuple[str, ...] = ()


def is_table(name: str | None) -> bool:
    """Whether a file's name promises a table, not JSON lines."""
    found = format_of(name) if name is not None else None
    return found is not None and found.kind != "jsonl"


def holds_table(source: str, encoding: str | None = None) -> bool:
    """Whether a source is a table, by its ending, or by its first lines where the ending does not say it.

    :raises InputError: if it is a workbook that is not read, or cannot be read.
    """
    if not is_loose(source) or not Path(source).is_file():
        return is_table(source)
    return format_in(Path(source), encoding).kind not in ("jsonl", "lines")


@contextlib.contextmanager
def open_lines(
    source: str, text: str | None, pair: str | None, encoding: str | None = None
) -> Iterator[Rows]:
    """Lines of a file, or of standard input (``-``): JSON objects, or texts where the first is none.

    A file whose ending says that it holds JSON lines holds nothing else.

    :param text: the field that holds the text; ``text`` if it is not named. Likewise ``text_pair``.
    :param encoding: that of the lines; without it, it is what their bytes show.
    :raises InputError: if the source cannot be read.
    """
    packed = source.lower().endswith(".gz")
    plain = None if format_of(source) is None and text is None and pair is None else False
    with _open(source) as raw:
        lines = _decoded(unpacked(raw, packed), source, packed, encoding)
        chunks = read_chunks(lines, CHUNK, text or "text", pair or "text_pair", plain)
        yield Rows(raw, _explained(chunks, source))


def _decoded(stream: BinaryIO, source: str, packed: bool, encoding: str | None) -> BinaryIO:
    """The lines as UTF-8. Of what comes from a pipe, only what has arrived shows the encoding."""
    path = Path("standard input" if source == "-" else source)
    if encoding is not None:
        return as_utf_8(stream, encoding, path)
    found = None
    if path.is_file():
        # A file that is damaged further down is answered up to there, so reading it says what is wrong.
        with contextlib.suppress(InputError), explained(path), path.open("rb") as raw:
            found = detect_encoding(unpacked(cast(BinaryIO, raw), packed))
    else:
        stream = stream if hasattr(stream, "peek") else cast(BinaryIO, io.BufferedReader(stream))
        found = wide_encoding(stream.peek(1))  # type: ignore[attr-defined]
    if found is not None and found != UTF_8:
        console.note(encoding_note(path, found))
    return as_utf_8(stream, found or UTF_8, path)


def _explained(chunks: Iterator[list[Line]], source: str) -> Iterator[Chunk]:
    while True:
        with explained(Path(source)):  # not around the yield: errors of whoever takes the rows are theirs
            lines = next(chunks, None)
        if lines is None:
            return
        yield Chunk(lines)


@contextlib.contextmanager
def open_cells(
    source: str, text: str | None, pair: str | None, encoding: str | None = None
) -> Iterator[Rows]:
    """The rows of a table, or of JSON lines as a table: with all their cells.

    :param text: name of the text column; if it is not named, it is found. Likewise ``pair`` and ``encoding``.
    :raises UsageError: if it cannot be found, or a name is unknown.
    :raises InputError: if the source cannot be read as a table.
    """
    with _again(source) as path:
        format = format_of(source) or format_in(path, encoding, any_ending=True)
        table = open_table(path, format, lenient=True, encoding=encoding)
        for said in table.notes:
            console.note(said)
        where = find_text(table, text, pair)
        for reason in where.reasons:
            if reason.why != "named":
                console.note(f"{reason.role} column: {reason.column!r}, {reason.why}")
        if where.assumed:
            console.note(header_note(where.assumed))
        with table.open() as stream:
            yield Rows(stream, _chunks(table.batches(stream, CHUNK, lenient=True), where), table.columns)


def _chunks(batches: Iterator[TableBatch], where: TextColumns) -> Iterator[Chunk]:
    for batch in batches:
        text = batch.columns.index(where.text)
        pair = batch.columns.index(where.pair) if where.pair is not None else None
        yield Chunk(
            [
                Line(
                    number,
                    _row(cells[text], cells[pair] if pair is not None else "", batch.errors.get(place)),
                )
                for place, (number, cells) in enumerate(zip(batch.numbers, batch.rows, strict=True))
            ],
            batch,
        )


def _row(text: str, second: str, error: str | None) -> Row | BadRow:
    """An empty second text is none: a table has no other way to say so."""
    if error is not None:
        return BadRow(error)
    try:
        return check_row(text, second if second.strip() else None)
    except InputError as caught:
        return BadRow(caught.message)


@contextlib.contextmanager
def _again(source: str) -> Iterator[Path]:
    """The source as a file that can be read more than once."""
    if source != "-" and (Path(source).is_file() or not Path(source).exists()):
        yield Path(source)
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "standard input" if source == "-" else Path(source).name)
        with _open(source) as stream, copy.open("wb") as file:
            shutil.copyfileobj(stream, file)
        yield copy


@contextlib.contextmanager
def _open(source: str) -> Iterator[BinaryIO]:
    if source == "-":
        if sys.stdin is None:
            raise InputError("There is no standard input.", "Name a file with --input.")
        if sys.stdin.isatty():
            console.note(
                'Type texts, or rows such as {"text": "..."}, one a line; end with Ctrl-D (Windows: Ctrl-Z).'
            )
        yield cast(BinaryIO, sys.stdin.buffer)
        return
    try:
        stream = Path(source).open("rb")  # noqa: SIM115 (closed below; only opening is explained here)
    except OSError as error:
        raise InputError(
            f"Cannot read {source}: {error.strerror or error}.",
            "Name a table or a file of JSON lines, or - for a pipe.",
        ) from None
    with stream:
        yield stream


def read_chunks(
    stream: BinaryIO,
    most: int,
    text: str = "text",
    text_pair: str = "text_pair",
    plain: bool | None = False,
) -> Iterator[list[Line]]:
    """Lines in chunks of at most ``most``, none of them empty.

    A chunk never waits for more: what a pipe has brought so far is answered before more of it is read.

    :param text: the field that holds the text.
    :param text_pair: the field that holds the second text, in rows that have one.
    :param plain: whether each line is a text, not JSON; None if the first line says it.
    """
    number = 0
    for arrived in _arrivals(stream):
        chunk: list[Line] = []
        for data in arrived:
            number += 1
            if data is not None and not data.removeprefix(BYTE_ORDER_MARK).strip():
                continue
            if data is not None and number == 1:
                data = data.removeprefix(BYTE_ORDER_MARK)
            if plain is None:
                plain = data is not None and not data.lstrip().startswith(_OPENING)
            chunk.append(Line(number, _plain(data) if plain else _read(data, text, text_pair)))
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


def _plain(data: bytes | None) -> Row | BadRow:
    if data is None:
        return BadRow(_TOO_LONG)
    try:
        return check_row(data.decode("utf-8").rstrip("\r"))
    except UnicodeDecodeError as error:
        return BadRow(f"Byte {error.start + 1} is not valid UTF-8.")
    except InputError as error:
        return BadRow(error.message)


def _read(data: bytes | None, text: str, text_pair: str) -> Row | BadRow:
    if data is None:
        return BadRow(_TOO_LONG)
    try:
        value = json.loads(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        return BadRow(f"Byte {error.start + 1} is not valid UTF-8.")
    except (ValueError, RecursionError) as error:
        reason = error.msg if isinstance(error, json.JSONDecodeError) else "a value is out of bounds"
        return BadRow(f'This is not a JSON object such as {{"text": "..."}}: {reason}.')
    if not isinstance(value, dict):
        return BadRow(f'{type(value).__name__} instead of a JSON object such as {{"text": "..."}}.')
    if text not in value:
        return BadRow(MISSING_FIELD.format(text))
    try:
        return check_row(value[text], value.get(text_pair))
    except InputError as error:
        return BadRow(error.message)


def say_own_tables(stack: Stack, given: Collection[str], option: str, only: Collection[str] = ()) -> None:
    """Say which tables are read though nobody names them: those that skills were learned from.

    :param given: skills and tasks whose tables are named.
    :param option: that names a table.
    :param only: skills and tasks that are asked; empty for all.
    """
    found = stack.own_tables()
    if found.damaged is not None:
        console.note(f"{found.damaged} is damaged and ignored; name tables with {option} SKILL=FILE.")
    for frame in stack:
        for skill in frame.skills:
            names = {skill.name, skill.task}
            if names & set(given) or (only and not names & set(only)):
                continue
            if skill.name in found.paths:
                path = found.paths[skill.name]
                console.note(f"Rows of {skill.name}: those of {path} that it has not learned from.")
            elif skill.name in found.changed:
                console.note(
                    f"{found.changed[skill.name]} has changed since {skill.name} was learned from it, and is "
                    f"not read; name it with {option} {skill.name}=FILE."
                )
