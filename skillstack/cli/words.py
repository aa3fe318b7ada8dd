"""Figures as people read them, and tables of them."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from skillstack.cli.render import width
from skillstack.store.records import Count
from skillstack.wording import clean_line, percent


def accuracy(count: Count | None) -> str:
    """``95.5 % of 200``, or a dash where nothing was measured."""
    return f"{percent(count.accuracy)} of {count.n:,}" if count is not None and count.n else "-"


def short(digest: str | None) -> str:
    """The first eight digits of an id, or a dash."""
    return digest[:8] if digest else "-"


def shorten(text: str, most: int) -> str:
    """One line of at most this many characters."""
    line = clean_line(text[: 4 * most + 100])
    return line if len(line) <= most else f"{line[: max(most - 3, 1)].rstrip()}..."


def columns(rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> list[str]:
    """Lines of a table whose columns are as wide as their widest cell.

    :param right: numbers of the columns that are aligned to the right.
    """
    cells = [[clean_line(cell) for cell in row] for row in rows]
    widths = [max((len(row[i]) for row in cells), default=0) for i in range(len(rows[0]))] if rows else []
    return [
        "  ".join(
            cell.rjust(width) if number in right else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    ]


def pairs(rows: Sequence[tuple[str, str]], indent: int = 2) -> list[str]:
    """Lines of names and values; a long value goes on below where it began."""
    names = max((len(name) for name, _ in rows), default=0)
    lines: list[str] = []
    for name, value in rows:
        lines += textwrap.wrap(
            clean_line(value) or "-",
            width(),
            initial_indent=f"{'':{indent}}{name:<{names}}  ",
            subsequent_indent=" " * (indent + names + 2),
            break_long_words=False,
            break_on_hyphens=False,
        )
    return lines
