"""Tables that are the same on a page, in Markdown and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

from skillstack import wording
from skillstack.evaluation.intervals import Interval
from skillstack.reports import words

Value = str | int | float | None
#: Digits of a number that are kept, as in the JSON.
DIGITS = 6


@dataclass(frozen=True)
class Cell:
    """A cell.

    :ivar values: what it holds, one for each of its column's keys.
    :ivar text: how that is shown.
    :ivar below: a smaller second line, such as an interval.
    """

    values: tuple[Value, ...]
    text: str
    below: str = ""


@dataclass(frozen=True)
class Column:
    """A column.

    :ivar label: its header.
    :ivar keys: headers of the CSV columns that it becomes.
    :ivar numeric: whether it is aligned to the right.
    """

    label: str
    keys: tuple[str, ...]
    numeric: bool = True


@dataclass(frozen=True)
class Table:
    """A table.

    :ivar key: name of its CSV file.
    :ivar title: its caption.
    :ivar columns: from left to right.
    :ivar rows: each with a cell for each column; the first cell names the row.
    :ivar note: what is to be known to read it.
    """

    key: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""


def name_column(label: str, key: str = "") -> Column:
    """A column of words."""
    return Column(label, (key or label.lower().replace(" ", "_"),), numeric=False)


def number_column(label: str, key: str, *, interval: bool = False, p: bool = False) -> Column:
    """A column of numbers, if wanted with the ends of an interval."""
    ends = (f"{key}_low", f"{key}_high") if interval else ()
    return Column(label, (key, *ends, *((f"{key}_p",) if p else ())))


def text(value: str | None) -> Cell:
    """A cell of words; a dash where there are none."""
    return Cell((value,), value or "–")


def count(value: int | None) -> Cell:
    """A cell with a whole number."""
    return Cell((value,), "–" if value is None else f"{value:,}")


def share(value: float | None, interval: Interval | None = None, *, sign: bool = False) -> Cell:
    """A cell with a share, shown in points of a hundred, if wanted with its interval."""
    if value is None:
        return Cell((None,) if interval is None else (None, None, None), "–")
    kept = round(value, DIGITS)
    if interval is None:
        return Cell((kept,), words.points(kept, sign=sign))
    low, high = round(interval.low, DIGITS), round(interval.high, DIGITS)
    return Cell(
        (kept, low, high), words.points(kept, sign=sign), words.between(Interval(low, high), sign=sign)
    )


def missing(column: Column) -> Cell:
    """What stands where nothing was measured."""
    return Cell((None,) * len(column.keys), "–")


def to_csv(table: Table) -> str:
    """The table with full numbers, a header, and line feeds."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([_plain(key) for column in table.columns for key in column.keys])
    for row in table.rows:
        writer.writerow([_plain(value) for cell in row for value in cell.values])
    return out.getvalue()


def to_markdown(table: Table) -> str:
    """The table as Markdown, without its title."""
    lines = [
        _line([markdown(column.label) for column in table.columns]),
        _line(["---:" if column.numeric else "---" for column in table.columns]),
    ]
    for row in table.rows:
        lines.append(
            _line([markdown(cell.text + (f" ({cell.below})" if cell.below else "")) for cell in row])
        )
    return "\n".join(lines)


#: Characters that mean something to Markdown, and `&` and `<`, which mean something to the HTML within.
_MEANING = str.maketrans({character: f"\\{character}" for character in "\\`*_{}[]<>|#~$!&"})


def markdown(value: str) -> str:
    """Words as they are, whatever they would mean as Markdown."""
    return words.clean_line(value).translate(_MEANING)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _plain(value: Value) -> str | int | float:
    if value is None:
        return ""
    if not isinstance(value, str):
        return value
    kept = wording.clean(value)
    # A spreadsheet would compute what begins so.
    return f"'{kept}" if kept[:1] in ("=", "+", "-", "@", "\t") else kept
