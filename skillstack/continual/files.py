"""Cells and choices as files: each appears when it is finished, whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from skillstack.continual.cell import SCHEMA, BenchCell, HyperparameterTrial
from skillstack.errors import InputError
from skillstack.store import files

T = TypeVar("T")

#: No result file is larger; a cell of all test rows of twelve tasks has some ten thousand bytes.
MAX_BYTES = 64_000_000
LEADERBOARD = "leaderboard.json"
_CHOICE = "choice.json"


class Results:
    """The folder of one preset on one base.

    :ivar folder: it need not exist yet.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, method: str, order: str, seed: int) -> Path:
        """Where a cell lies."""
        return self.folder / f"{method}.{order}.{seed}.json"

    def cell(self, method: str, order: str, seed: int, digest: str) -> BenchCell | None:
        """The finished cell of this configuration, or None where there is none yet.

        :raises InputError: if the file cannot be read, or is of another configuration.
        """
        path = self.path(method, order, seed)
        if not path.is_file():
            return None
        found = read_cell(path)
        if (found.method, found.order, found.seed, found.digest) != (method, order, seed, digest):
            raise foreign(path)
        return found

    def put_cell(self, cell: BenchCell) -> None:
        """Keep a finished cell.

        :raises StoreError: if it cannot be written.
        """
        self._write(self.path(cell.method, cell.order, cell.seed).name, cell.to_json())

    def cells(self) -> Iterator[BenchCell]:
        """All cells of the folder, by name.

        :raises InputError: if a file cannot be read.
        """
        for path in sorted(self.folder.glob("*.json")):
            if path.name != LEADERBOARD and not path.name.endswith(f".{_CHOICE}"):
                yield read_cell(path)

    def choice(self, method: str, digest: str) -> tuple[tuple[HyperparameterTrial, ...], Mapping[str, Any]]:
        """What was tried so far for a method's hyper-parameters, and with which order and seed.

        :raises InputError: if the file cannot be read, or is of another configuration.
        """
        path = self.folder / f"{method}.{_CHOICE}"
        if not path.is_file():
            return (), {}

        def read(value: Mapping[str, Any]) -> tuple[str, tuple[HyperparameterTrial, ...], Mapping[str, Any]]:
            tried = tuple(map(HyperparameterTrial.from_json, value["tried"]))
            return str(value["digest"]), tried, dict(value["chosen_with"])

        found, tried, chosen_with = _read(path, read)
        if found != digest:
            raise foreign(path)
        return tried, chosen_with

    def put_choice(
        self, method: str, digest: str, tried: tuple[HyperparameterTrial, ...], chosen_with: Mapping[str, Any]
    ) -> None:
        """Keep what was tried so far.

        :raises StoreError: if it cannot be written.
        """
        record = {
            "schema": SCHEMA,
            "digest": digest,
            "chosen_with": dict(chosen_with),
            "tried": [one.to_json() for one in tried],
        }
        self._write(f"{method}.{_CHOICE}", record)

    def put_leaderboard(self, value: Mapping[str, Any]) -> Path:
        """Keep the leaderboard; returns where.

        :raises StoreError: if it cannot be written.
        """
        return self._write(LEADERBOARD, value)

    def _write(self, name: str, value: Mapping[str, Any]) -> Path:
        path = self.folder / name
        files.write_file(path, (json.dumps(value, indent=1, allow_nan=False) + "\n").encode())
        return path

    def check(self, common: Mapping[str, Any], frames: Mapping[str, Any]) -> None:
        """See that everything in the folder is of one kind, so that one leaderboard can hold it.

        :param common: what all cells share, as `Request.common` gives it.
        :param frames: what those of frames share besides, as `Request.frames` gives it.
        :raises InputError: if a file cannot be read, or is of another kind.
        """
        wanted = _kind(common)
        for cell in self.cells():
            own = cell.configuration
            if (
                _kind({name: own.get(name) for name in common}) != wanted
                or own.get("frames", frames) != frames
            ):
                raise foreign(self.path(cell.method, cell.order, cell.seed))


def _kind(common: Mapping[str, Any]) -> dict[str, Any]:
    """What has to be equal: the base by its weights, whatever it is called."""
    base = common.get("base")
    known = base if isinstance(base, Mapping) else {}
    return {**common, "base": [known.get(name) for name in ("weights", "tokenizer", "precision")]}


def read_cell(path: Path) -> BenchCell:
    """A cell from its file.

    :raises InputError: if it cannot be read.
    """
    return _read(path, BenchCell.from_json)


def _read(path: Path, read: Callable[[Mapping[str, Any]], T]) -> T:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ValueError("it is too large")
        return read(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(
            f"The result {path} cannot be read ({type(error).__name__}).",
            "Remove it to have it measured again, or name another folder with --results.",
        ) from error


def foreign(path: Path) -> InputError:
    """The error for a result that is none of this bench's."""
    return InputError(
        f"The result {path} is of other tasks, another base, recipe or version.",
        "Remove it to have it measured again, or name another folder with --results.",
    )
