"""A table in a file: its columns, and its rows as often as they are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from skillstack.errors import InputError
from skillstack.tables import delimited, objects, parquet
from skillstack.tables.batch import Batch
from skillstack.tables.formats import Format, known_format
from skillstack.tables.quotes import is_plain
from skillstack.tables.streams import explained, unpacked

#: Rows of a batch at most.
BATCH_ROWS = 1024


@dataclass(frozen=True)
class Table:
    """A table whose header was read. Only a batch of its rows is held at a time.

    :ivar path: its file.
    :ivar format: how the file holds it.
    :ivar columns: names of the columns, each of them once.
    :ivar plain: whether quotes are plain characters, in a TSV.
    """

    path: Path
    format: Format
    columns: tuple[str, ...]
    plain: bool = False

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """The file's bytes, for :meth:`batches`, by somebody who wants to know how far it is read.

        :raises InputError: if it cannot be opened.
        """
        with explained(self.path):
            stream = self.path.open("rb")
        with stream:
            yield stream

    def batches(
        self, stream: BinaryIO | None = None, size: int = BATCH_ROWS, *, lenient: bool = False
    ) -> Iterator[Batch]:
        """All rows but the empty ones, at most ``size`` at a time.

        :param stream: the file, newly opened by :meth:`open`; without it, it is opened here.
        :param lenient: whether a broken row comes along, with its error in the batch, instead of ending this.
        :raises InputError: if the file cannot be read, is no UTF-8, or a row is broken; it names the line.
        """
        with ExitStack() as stack:
            raw = stream if stream is not None else stack.enter_context(self.open())
            yield from self._read(raw, size, lenient)

    def _read(self, raw: BinaryIO, size: int, lenient: bool) -> Iterator[Batch]:
        batches = self._reader(raw, size, lenient)
        while True:
            with explained(self.path):  # not around the yield: errors of whoever takes the rows are theirs
                batch = next(batches, None)
            if batch is None:
                return
            yield batch

    def _reader(self, raw: BinaryIO, size: int, lenient: bool) -> Iterator[Batch]:
        if self.format.kind == "parquet":
            return parquet.read_batches(raw, self.path, self.columns, size)
        text = unpacked(raw, self.format.packed)
        if self.format.kind == "jsonl":
            return objects.read_batches(text, self.path, self.columns, size, lenient=lenient)
        return delimited.read_batches(
            text, self.path, self.format.kind, self.columns, size, plain=self.plain, lenient=lenient
        )


def open_table(path: Path, format: Format | None = None, *, lenient: bool = False) -> Table:
    """The table in a file.

    :param format: its format, where the file's name does not say it.
    :param lenient: whether broken lines of JSON are no error yet, as for :meth:`Table.batches`.
    :raises InputError: if the file's ending is unknown, it cannot be read, or it has no columns.
    """
    chosen = format or known_format(str(path))
    plain = chosen.kind == "tsv" and _is_plain(path, chosen)
    with explained(path), path.open("rb") as raw:
        stream = unpacked(cast(BinaryIO, raw), chosen.packed)
        if chosen.kind == "parquet":
            columns = parquet.read_header(stream, path)
        elif chosen.kind == "jsonl":
            columns = objects.read_header(stream, path, lenient=lenient)
        else:
            columns = delimited.read_header(stream, path, chosen.kind, plain)
    if not columns:
        raise InputError(f"{path} holds no rows.", "Give a table with a header and rows.")
    return Table(path, chosen, columns, plain)


def _is_plain(path: Path, format: Format) -> bool:
    with explained(path), path.open("rb") as raw:
        return is_plain(unpacked(cast(BinaryIO, raw), format.packed), path)
