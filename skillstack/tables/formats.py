"""Formats of tables, told by the ending of a file's name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath

from skillstack.errors import InputError

_KINDS = {".csv": "csv", ".tsv": "tsv", ".jsonl": "jsonl", ".json": "jsonl", ".parquet": "parquet"}
ENDINGS = ".csv, .tsv, .jsonl or .parquet"


@dataclass(frozen=True)
class Format:
    """How a file holds its rows.

    :ivar kind: "csv", "tsv", "jsonl" or "parquet".
    :ivar packed: whether the file is a gzip of that.
    """

    kind: str
    packed: bool = False


def format_of(name: str) -> Format | None:
    """The format that a file's name promises; None if its ending is none of ours."""
    path = PurePath(name.lower())
    packed = path.suffix == ".gz"
    kind = _KINDS.get(path.with_suffix("").suffix if packed else path.suffix)
    if kind is None or (packed and kind == "parquet"):
        return None
    return Format(kind, packed)


def known_format(name: str) -> Format:
    """The format of a file.

    :raises InputError: if its ending says none.
    """
    found = format_of(name)
    if found is None:
        raise InputError(
            f"{name}: the ending does not say what kind of table this is.",
            f"Use a file whose name ends with {ENDINGS}; the text formats may be packed (.gz).",
        )
    return found
