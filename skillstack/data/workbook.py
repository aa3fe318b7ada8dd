"""The first sheet of a workbook (.xlsx) as a table, row by row; openpyxl reads it, where it is installed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from skillstack.data.batches import BatchBuilder, TableBatch
from skillstack.data.delimited import column_names
from skillstack.data.parquet import text_of
from skillstack.errors import InputError


def read_header(stream: BinaryIO, path: Path) -> tuple[str, ...]:
    """The names of the columns: the first row, without empty cells at its end.

    :raises InputError: if it is no workbook, or its first row is no header.
    """
    with _rows(stream, path) as rows:
        cells = next(rows, [])
    while cells and not cells[-1]:
        cells.pop()
    return column_names(cells, path)


def read_batches(
    stream: BinaryIO, path: Path, columns: tuple[str, ...], size: int, *, lenient: bool = False
) -> Iterator[TableBatch]:
    """All rows below the header.

    :param lenient: whether a broken or empty row comes along with its error.
    :raises InputError: if a row has cells beyond the columns; it names the row.
    """
    gathered = BatchBuilder(columns, size, keep_empty=lenient)
    with _rows(stream, path) as rows:
        next(rows, None)
        for number, cells in enumerate(rows, start=2):
            error = None
            if any(cells[len(columns) :]):
                error = InputError(
                    f"{path}, line {number}: cells beyond the {len(columns)} columns of the first row.",
                    "Give each column a name in the first row, or empty these cells.",
                )
            if error is not None and not lenient:
                raise error
            filled = (cells + [""] * len(columns))[: len(columns)]
            if gathered.add(tuple(filled) if any(filled) else (), number, error):
                yield gathered.batch()
    yield from gathered.rest()


@contextmanager
def _rows(stream: BinaryIO, path: Path) -> Iterator[Iterator[list[str]]]:
    from zipfile import BadZipFile

    import openpyxl

    try:
        book: Any = openpyxl.load_workbook(stream, read_only=True, data_only=True)
        sheet = book.worksheets[0]
    except (BadZipFile, KeyError, ValueError, IndexError) as error:
        raise InputError(
            f"{path} is no workbook that can be read: {error}.", "Save the sheet as a .csv file."
        ) from None
    try:
        sheet.reset_dimensions()  # what other programs note there may be wrong
        yield ([text_of(value) for value in row] for row in sheet.iter_rows(values_only=True))
    finally:
        book.close()
