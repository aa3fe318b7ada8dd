"""Lines of a text file that may be damaged, endless or a bomb: read as a stream, with limits."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import BinaryIO, cast

from skillstack.data.batches import BatchBuilder, TableBatch
from skillstack.errors import InputError

#: Two texts of the greatest accepted length still fit when every character is escaped as twelve bytes.
MAX_LINE_BYTES = 48 * 2**20

#: Bytes of one file, after unpacking. A gzip file of a thousandth of that may hold as much.
MAX_FILE_BYTES = 2**30
MAX_LINES = 2_000_000

BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def read_lines(file: Traversable) -> Iterator[tuple[int, str]]:
    """Number (from 1) and text of each line; unpacks a file whose name ends with ``.gz``.

    :raises InputError: if the file cannot be read or unpacked, is no UTF-8, holds a blank line, or goes
        beyond the limits. Nothing is read further than the limits.
    """
    total = 0
    with explained(file), file.open("rb") as raw:
        for number, text in text_lines(unpacked(cast(BinaryIO, raw), file.name.endswith(".gz")), file):
            total += len(text)
            if total > MAX_FILE_BYTES or number > MAX_LINES:
                raise InputError(
                    f"{file} holds more than {MAX_LINES:,} lines or {MAX_FILE_BYTES:,} bytes.",
                    "Keep fewer rows: training takes a few dozen of each class.",
                )
            if not text.strip():
                raise InputError(f"{file}, line {number}: the line is blank.", "Remove it.")
            yield number, text


def read_batches(stream: BinaryIO, path: Path, size: int, *, lenient: bool = False) -> Iterator[TableBatch]:
    """Lines as a table of one column, ``text``.

    :param lenient: whether an empty line between others comes along with its error.
    """
    gathered = BatchBuilder(("text",), size, keep_empty=lenient)
    for number, line in text_lines(stream, path):
        text = line.rstrip("\r\n")
        if gathered.add((text,) if text.strip() else (), number):
            yield gathered.batch()
    yield from gathered.rest()


_OTHER_MARKS = (b"\xff\xfe", b"\xfe\xff")
_HINT = "Save the file in the encoding UTF-8; of a table, --encoding names another."


@contextmanager
def explained(path: Traversable) -> Iterator[None]:
    """Turn what the system or a packed file answers into an error that says what to do.

    :raises InputError: if the file cannot be opened, read or unpacked.
    """
    try:
        yield
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputError(
            f"{path} is no complete gzip file: {error}.", "Copy or download it again, or give it unpacked."
        ) from None
    except OSError as error:
        raise InputError(f"Cannot read {path}: {error.strerror or error}.", "Check the file.") from None


def unpacked(raw: BinaryIO, packed: bool) -> BinaryIO:
    """The stream's bytes, unpacked if they are a gzip."""
    return cast(BinaryIO, gzip.GzipFile(fileobj=raw)) if packed else raw


def text_lines(stream: BinaryIO, path: Traversable) -> Iterator[tuple[int, str]]:
    """Number (from 1) and text of each line, with its end; a byte order mark is taken off.

    Lines end with a line feed, with a carriage return, or with both.

    :raises InputError: if a line is no UTF-8 (it names line and byte), or is longer than 48 MiB.
    """
    number = 0
    while data := stream.readline(MAX_LINE_BYTES + 1):
        if number == 0:
            if data.startswith(_OTHER_MARKS):
                raise InputError(f"{path} is encoded in UTF-16.", _HINT)
            data = data.removeprefix(BYTE_ORDER_MARK)
        if len(data) > MAX_LINE_BYTES:
            raise InputError(
                f"{path}, line {number + 1}: longer than {MAX_LINE_BYTES:,} bytes.",
                "Write one row a line.",
            )
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            line = number + 1 + data.count(b"\r", 0, error.start)
            byte = error.start - data.rfind(b"\r", 0, error.start)
            raise InputError(f"{path}, line {line}: byte {byte} is no UTF-8.", _HINT) from None
        if "\r" not in text:
            number += 1
            yield number, text
            continue
        for part in io.StringIO(text, newline=""):
            number += 1
            yield number, part
