"""The format of a table's file: what its ending promises or, where that is loose, its first lines say."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from itertools import islice
from pathlib import Path, PurePath
from typing import BinaryIO, cast

from skillstack.data.batches import Format, format_of, known_format
from skillstack.data.delimited import JUDGED_CHARACTERS, JUDGED_LINES
from skillstack.data.encodings import as_utf_8, check_encoding, detect_encoding
from skillstack.data.headers import USUAL_NAMES
from skillstack.data.lines import explained, text_lines, unpacked
from skillstack.errors import InputError

#: Endings under which people keep tables of several kinds.
LOOSE = (".txt", ".xls", ".xlsx", ".ods")
_SHEETS = LOOSE[1:]
#: The first bytes of a zip file, as newer workbooks are, and of OLE2, as older ones are.
_ZIP, _OLE2 = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"


def format_in(path: Path, encoding: str | None = None, *, any_ending: bool = False) -> Format:
    """The format of a file, by its ending and, where that is loose, by its first lines.

    :param encoding: that of its characters, where it is named.
    :param any_ending: whether its lines are read whatever the ending.
    :raises InputError: if it cannot be read, the ending is unknown, or it is a workbook that is not read.
    """
    promised = format_of(path.name)
    ending = path.name.lower().removesuffix(".gz")
    loose = ending.endswith(LOOSE)
    if promised is None and not loose and not any_ending:
        known_format(str(path))
    if promised is None or promised.kind != "parquet":
        with explained(path), path.open("rb") as raw:
            head = raw.read(4)
        if head in (_OLE2, _ZIP) or (head.startswith(b"PK") and ending.endswith(_SHEETS)):
            return _workbook(path, head)
    if promised is not None:
        return promised
    packed = path.name.lower().endswith(".gz")
    kind = _kind(_first_lines(path, packed, encoding), "csv" if ending.endswith(_SHEETS) else "lines")
    return Format(kind, packed)


def _workbook(path: Path, head: bytes) -> Format:
    readable = head == _ZIP and not path.name.lower().endswith(".ods")
    if readable:
        try:
            import openpyxl  # noqa: F401 (only whether it is there is asked)
        except ImportError:
            pass
        else:
            return Format("xlsx")
    also = ", or install openpyxl, and the first sheet is read" if readable else ""
    raise InputError(f"{path} is a workbook, which is not read.", f"Save the sheet as a .csv file{also}.")


def _first_lines(path: Path, packed: bool, encoding: str | None) -> list[str]:
    """Lines by which the format is judged; the last may be cut off within a row."""
    with explained(path), path.open("rb") as raw:
        used = (
            check_encoding(encoding)
            if encoding is not None
            else detect_encoding(unpacked(cast(BinaryIO, raw), packed))
        )
    with explained(path), path.open("rb") as raw:
        lines: list[str] = []
        text = as_utf_8(unpacked(cast(BinaryIO, raw), packed), used, path)
        for _, line in islice(text_lines(text, path), JUDGED_LINES):
            lines.append(line)
            if sum(map(len, lines)) > JUDGED_CHARACTERS:
                break
        return lines


def _kind(lines: Sequence[str], otherwise: str) -> str:
    """What these lines are.

    Tabs that divide all rows alike make a TSV. Texts hold commas too, so commas and semicolons make a CSV
    only below a header with a usual name.
    """
    first = next((line for line in lines if line.strip()), "")
    if first.lstrip().startswith("{"):
        return "jsonl"
    if first.lower().startswith("sep="):
        return "csv"
    if _names(lines, "\t"):
        return "tsv"
    for separator in ",;":
        if any(name.strip().lower() in USUAL_NAMES for name in _names(lines, separator)):
            return "csv"
    return otherwise


def _names(lines: Sequence[str], separator: str) -> list[str]:
    """The cells of the header, where there are several, and all rows have as many; else nothing."""
    try:
        rows = [row for row in csv.reader(lines, delimiter=separator) if row]
    except csv.Error:
        return []
    whole = rows[: len(rows) - (len(lines) >= JUDGED_LINES)]
    alike = whole and len(whole[0]) > 1 and all(len(row) == len(whole[0]) for row in whole)
    return whole[0] if alike else []


def is_loose(name: str) -> bool:
    """Whether a file's ending does not say which kind of table it is, or whether it is one."""
    return PurePath(name.lower().removesuffix(".gz")).suffix in LOOSE
