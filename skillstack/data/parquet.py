"""Parquet, read by pyarrow batch by batch."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from skillstack.data.batches import EMPTY, TableBatch
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


def read_batches(
    stream: BinaryIO, path: Path, columns: tuple[str, ...], size: int, *, lenient: bool = False
) -> Iterator[TableBatch]:
    """All rows.

    :param lenient: whether an empty row comes along with its error.
    :raises InputError: if the file is damaged.
    """
    import pyarrow as pa

    number = 0
    with _opened(stream, path) as file:
        names = _class_names(file.schema_arrow.metadata)
        for arrow in file.iter_batches(batch_size=size, use_threads=False):
            arrow = _without_views(arrow)
            cells = [
                _texts(column, names.get(name, ()))
                for name, column in zip(arrow.schema.names, arrow.columns, strict=True)
            ]
            rows = list(zip(*cells, strict=True))
            numbers = list(range(number + 1, number + 1 + arrow.num_rows))
            number += arrow.num_rows
            kept = [i for i, row in enumerate(rows) if any(cell and not cell.isspace() for cell in row)]
            empty = len(rows) - len(kept)
            errors: dict[int, str] = {}
            if empty and lenient:
                errors, empty = dict.fromkeys(set(range(len(rows))) - set(kept), EMPTY), 0
            if empty:
                arrow = arrow.take(pa.array(kept, pa.int64()))
                rows, numbers = [rows[i] for i in kept], [numbers[i] for i in kept]
            yield TableBatch(columns, rows, numbers, numbers, empty, arrow, errors)


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
        if isinstance(error, pa.ArrowNotImplementedError | pa.ArrowTypeError | pa.ArrowKeyError):
            raise InputError(
                f"{path} holds what the installed pyarrow cannot read: {first}",
                "Write the file again with plain columns, or as a .csv file.",
            ) from None
        raise InputError(
            f"{path} is no Parquet file that can be read: {first}", "Copy or write it again."
        ) from None


def _without_views(arrow: Any) -> Any:
    """The same rows with string views, as Polars writes them, as strings: few kernels of Arrow take views."""
    import pyarrow as pa

    plain = {pa.string_view(): pa.large_string(), pa.binary_view(): pa.large_binary()}
    if not any(kind in plain for kind in arrow.schema.types):
        return arrow
    columns = [
        pa.array(column.to_pylist(), plain[column.type]) if column.type in plain else column
        for column in arrow.columns
    ]
    return pa.record_batch(columns, names=arrow.schema.names)


def _class_names(metadata: dict[bytes, bytes] | None) -> dict[str, list[str]]:
    """The names of numbered labels by column, as the library ``datasets`` notes them in a file."""
    try:
        features = json.loads((metadata or {})[b"huggingface"])["info"]["features"]
        found = {
            column: feature["names"]
            for column, feature in features.items()
            if isinstance(feature, dict) and feature.get("_type") == "ClassLabel"
        }
    except (KeyError, TypeError, ValueError, AttributeError):
        return {}
    return {
        column: names
        for column, names in found.items()
        if isinstance(names, list) and all(isinstance(name, str) for name in names)
    }


def _texts(column: Any, names: Sequence[str]) -> list[str]:
    """The cells of a column as text.

    :param names: what its numbers stand for, if that is known; -1 is no label then.
    """
    import pyarrow as pa

    if names and pa.types.is_integer(column.type):
        named = dict(enumerate(names)) | {-1: ""}
        return [text_of(named.get(value, value)) for value in column.to_pylist()]
    try:
        return [text_of(value) for value in column.to_pylist()]
    except (OverflowError, ValueError):  # a time beyond those of Python, such as the end of the year 9999
        if pa.types.is_timestamp(column.type):
            column = column.cast(pa.timestamp(column.type.unit))  # in UTC: no time zone to go beyond
        return [text_of(value) for value in column.cast(pa.string()).to_pylist()]


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
