"""Figures and tables as a report shows them: on the page, in Markdown and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

from skillstack import wording
from skillstack.evaluation.intervals import DIGITS, Interval
from skillstack.evaluation.statistics import Paired

Value = str | int | float | None
#: What stands where there is nothing.
DASH = "–"


@dataclass(frozen=True)
class TableCell:
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

    :ivar keys: headers of the CSV columns that it becomes.
    :ivar numeric: whether it is aligned to the right.
    """

    label: str
    keys: tuple[str, ...]
    numeric: bool = True


@dataclass(frozen=True)
class ReportTable:
    """A table.

    :ivar key: name of its CSV file.
    :ivar columns: from left to right.
    :ivar rows: each with a cell for each column; the first cell names the row.
    :ivar note: what is to be known to read it.
    """

    key: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[TableCell, ...], ...]
    note: str = ""


def name_column(label: str, key: str = "") -> Column:
    """A column of words."""
    return Column(label, (key or label.lower().replace(" ", "_"),), numeric=False)


def number_column(label: str, key: str, *, interval: bool = False) -> Column:
    """A column of numbers, if wanted with the ends of an interval."""
    return Column(label, (key, f"{key}_low", f"{key}_high") if interval else (key,))


def text(value: str | None) -> TableCell:
    """A cell of words; a dash where there are none."""
    return TableCell((value,), value or DASH)


def count(value: int | None) -> TableCell:
    """A cell with a whole number."""
    return TableCell((value,), DASH if value is None else f"{value:,}")


def number_cell(value: float, digits: int) -> TableCell:
    """A cell with a number that is shown with so many digits."""
    return TableCell((round(value, DIGITS),), f"{value:.{digits}f}")


def share(value: float | None, interval: Interval | None = None, *, sign: bool = False) -> TableCell:
    """A cell with a share, shown in points of a hundred, if wanted with its interval."""
    if value is None:
        return TableCell((None,), DASH)
    kept = round(value, DIGITS)
    if interval is None:
        return TableCell((kept,), points(kept, sign=sign))
    ends = Interval(*interval.to_json())
    return TableCell((kept, ends.low, ends.high), points(kept, sign=sign), between(ends, sign=sign))


def change_cell(found: Paired | None) -> TableCell:
    """A cell with a paired difference and its interval; a dash where there is none."""
    if found is None:
        return TableCell((None, None, None), DASH)
    return share(found.difference, found.interval, sign=True)


def p_cell(p: float | None) -> TableCell:
    """A cell with a p."""
    return TableCell((p,), DASH if p is None else wording.chance(p).removeprefix("p ").removeprefix("= "))


def size_cell(value: int | None) -> TableCell:
    """A cell with a number of bytes."""
    return TableCell((value,), DASH if value is None else wording.size(value))


def seconds_cell(value: float | None, digits: int = DIGITS) -> TableCell:
    """A cell with seconds, of which so many digits are kept."""
    if value is None:
        return TableCell((None,), DASH)
    return TableCell((round(value, digits),), wording.seconds(value))


def missing(column: Column) -> TableCell:
    """What stands in a column where nothing was measured."""
    return TableCell((None,) * len(column.keys), DASH)


def points(value: float, *, sign: bool = False) -> str:
    """``1.9``: a share, or a difference of two, in points of a hundred, with a true minus."""
    return wording.points(value, sign=sign).replace("-", "\u2212")


def between(interval: wording.Range, *, sign: bool = False) -> str:
    """``81.6 to 84.5``."""
    return wording.between(interval, sign=sign).replace("-", "\u2212")


def clean_line(value: str, most: int = 0) -> str:
    """The text on one line without unsafe characters, cut to this many unless that is 0."""
    line = wording.clean_line(value)
    return line if not most or len(line) <= most else f"{line[: most - 1].rstrip()}…"


def to_csv(table: ReportTable) -> str:
    """The table with full numbers, a header, and line feeds."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([_plain(key) for column in table.columns for key in column.keys])
    for row in table.rows:
        writer.writerow([_plain(value) for cell in row for value in cell.values])
    return out.getvalue()


def to_markdown(table: ReportTable) -> str:
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
    return clean_line(value).translate(_MEANING)


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
