"""Where the answers to a batch go: standard output, or a file that appears when it is whole."""

from __future__ import annotations

import contextlib
import gzip
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, cast

from skillstack.cli import render
from skillstack.data.batches import Format, TableBatch, format_of
from skillstack.data.tables import Cell, free_names, table_writer
from skillstack.errors import UsageError
from skillstack.store.files import TEMPORARY

#: Takes an answer as JSON, and how to say it to people.
Sink = Callable[[Mapping[str, Any], Callable[[], str]], None]
#: Takes rows of a table, and for each the cells that are added to it.
CellSink = Callable[[TableBatch, list[Mapping[str, Cell]]], None]


def check_output(output: str | None) -> None:
    """Refuse at once a file that cannot be written, before what takes long.

    :raises UsageError: if its folder is not there, or it is a folder itself.
    """
    if output is None or output == "-":
        return
    path = Path(output)
    if path.is_dir():
        raise UsageError(f"{output} is a folder.", "Name a file in it with --output.")
    if not path.parent.is_dir():
        raise UsageError(
            f"There is no folder {path.parent} to write {path.name} into.",
            "Make the folder first, or name another file with --output.",
        )


@contextlib.contextmanager
def open_sink(output: str | None, *, as_json: bool) -> Iterator[Sink]:
    """Where to put answers. A file gets JSON lines; if the command fails, an old one stays as it was."""
    if output is None or output == "-":
        yield _to_lines if as_json else _to_people
        return
    with _appearing(output) as file, _packed(file, output) as stream:
        yield lambda value, _: _write(stream, value)


@contextlib.contextmanager
def open_cell_sink(output: str, columns: tuple[str, ...], added: Mapping[str, type]) -> Iterator[CellSink]:
    """Where to put rows of a table with answers beside them: a file in the format that its ending tells.

    :param columns: names of the table's columns.
    :param added: names and types of the columns that are added; one that the table has gets a prefix.
    """
    names = free_names(columns, list(added))
    types = {names[name]: kind for name, kind in added.items()}
    with _appearing(output) as file, table_writer(file, _format(output), columns, types) as write:

        def put(batch: TableBatch, cells: list[Mapping[str, Cell]]) -> None:
            write(batch, {free: [row.get(name) for row in cells] for name, free in names.items()})

        yield put


@contextlib.contextmanager
def _appearing(output: str) -> Iterator[BinaryIO]:
    check_output(output)
    path = Path(output)
    special = path.exists() and not path.is_file()  # a device or a named pipe
    temporary = path if special else path.with_name(f"{TEMPORARY}{uuid.uuid4().hex}")
    try:
        with temporary.open("wb" if special else "xb") as file:
            yield file
        if not special:
            temporary.replace(path)
    finally:
        if not special:
            temporary.unlink(missing_ok=True)


def _format(output: str) -> Format:
    return format_of(output) or Format("jsonl")


def _packed(file: BinaryIO, output: str) -> contextlib.AbstractContextManager[BinaryIO]:
    if not _format(output).packed:
        return contextlib.nullcontext(file)
    return cast(BinaryIO, gzip.GzipFile(fileobj=file, mode="wb", filename="", mtime=0))


def _to_lines(value: Mapping[str, Any], _: Callable[[], str]) -> None:
    render.line(value)


def _to_people(_: Mapping[str, Any], words: Callable[[], str]) -> None:
    render.out(words())


def _write(file: BinaryIO, value: Mapping[str, Any]) -> None:
    file.write(f"{render.to_json(value)}\n".encode())
