"""Parquet, read by pyarrow batch by batch."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from skillstack.data.batches import TableBatch
from skillstack.errors import InputError

#: Bytes of a column that are read at a time, instead of a whole row group.
_BUFFER = 1 << 20


def read_header(stream: BinaryIO, path: Path) -> tuple[str, ...]:
    """The names of the columns.

    :raises InputError: if this is no Parquet file, or two columns share a name.
    """
    with _opened(stream, path) as file:
        names = tuple(str(name) for name in file.schema_arrow.names)
    if len(set(names)) != len(names):
        twice = next(name for place, name in enumerate(names) if name in names[:place])
        raise InputError(f"{path}: two columns are called {twice[:80]!r}.", "Give each its own name.")
    return names


def read_batches(stream: BinaryIO, path: Path, columns: tuple[str, ...], size: int) -> Iterator[TableBatch]:
    """All rows.

    :raises InputError: if the file is damaged.
    """
    import pyarrow as pa

    number = 0
    with _opened(stream, path) as file:
        for arrow in file.iter_batches(batch_size=size, use_threads=False):
            cells = [_texts(column) for column in arrow.columns]
            rows = list(zip(*cells, strict=True))
            numbers = list(range(number + 1, number + 1 + arrow.num_rows))
            number += arrow.num_rows
            kept = [i for i, row in enumerate(rows) if any(cell and not cell.isspace() for cell in row)]
            empty = len(rows) - len(kept)
            if empty:
                arrow = arrow.take(pa.array(kept, pa.int64()))
                rows, numbers = [rows[i] for i in kept], [numbers[i] for i in kept]
            yield TableBatch(columns, rows, numbers, numbers, empty, arrow)


@contextmanager
def _opened(stream: BinaryIO, path: Path) -> Iterator[Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(stream, buffer_size=_BUFFER, pre_buffer=False) as file:
            yield file
    except (pa.ArrowException, UnicodeDecodeError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:  # the system's; Arrow's own has no number
            raise
        first = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise InputError(
            f"{path} is no Parquet file that can be read: {first}", "Copy or write it again."
        ) from None


def _texts(column: Any) -> list[str]:
    return [text_of(value) for value in column.to_pylist()]


def text_of(value: object) -> str:
    """A value as text: a string as it is, nothing as empty, a number as Python and JSON write it."""
    if isinstance(value, str):
        return value
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)
