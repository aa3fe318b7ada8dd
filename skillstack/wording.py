"""Figures and texts as people read them, on a screen or in a report."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from pathlib import Path, PureWindowsPath
from typing import Protocol

#: Control characters but tab and newline, marks that reorder or hide text, lone surrogates, and what XML
#: cannot hold. A label or a path must not be able to move the cursor, or show one thing and mean another.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069"
    "\ud800-\udfff\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e007f]"
)


class Range(Protocol):
    """Two shares, the lower one first."""

    @property
    def low(self) -> float:
        """The lower end."""

    @property
    def high(self) -> float:
        """The upper end."""


def clean(text: str) -> str:
    """The text with unsafe characters written as escapes; tabs and newlines stay."""
    return _UNSAFE.sub(lambda match: _escape(match[0]), text)


def clean_line(text: str) -> str:
    """The same on one line: every run of white space becomes a blank."""
    return clean(" ".join(text.split()))


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def percent(share: float) -> str:
    """``95.5 %``."""
    return f"{100 * share:.1f} %"


def points(share: float, *, sign: bool = False) -> str:
    """``1.9``: a share, or a difference of two, in points of a hundred; never ``-0.0``."""
    value = round(100 * share, 1) + 0.0
    return f"{value:+.1f}" if sign and value else f"{value:.1f}"


def between(interval: Range, *, sign: bool = False) -> str:
    """``81.6 to 84.5``: an interval in points of a hundred."""
    return f"{points(interval.low, sign=sign)} to {points(interval.high, sign=sign)}"


def chance(p: float) -> str:
    """``p = 0.03`` or ``p < 0.001``."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}"


def size(count: int) -> str:
    """``612 kB``: bytes in decimal units, three figures."""
    number = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if number < 999.5 or unit == "GB":
            break
        number /= 1000
    return f"{number:.0f} {unit}" if unit == "B" or number >= 99.95 else f"{number:.1f} {unit}"


def seconds(count: float) -> str:
    """``8.4 s``, ``3 min 20 s`` or ``2 h 5 min``."""
    if count < 59.95:
        return f"{count:.1f} s"
    minutes, rest = divmod(round(count), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def many(count: int, noun: str, plural: str = "") -> str:
    """``1 frame``, ``8 frames``."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def listed(names: list[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else ""


def html_table(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table as notebooks show it; what could be markup is escaped."""

    def line(cells: Sequence[str], tag: str) -> str:
        return f"<tr>{''.join(f'<{tag}>{escape(clean_line(cell))}</{tag}>' for cell in cells)}</tr>"

    body = "".join(line(row, "td") for row in rows)
    caption = f"<caption>{escape(clean_line(title))}</caption>"
    return f"<table>{caption}<thead>{line(heads, 'th')}</thead><tbody>{body}</tbody></table>"


#: A path from a root, a drive or a home on. What follows a letter, a colon or a slash is part of a name or an
#: address: ``owner/model``, ``https://...``.
_PATH = re.compile(r"(?<![\w.:/\\~-])(?:~[\w.-]*|[A-Za-z]:)?[/\\][^\s'\"<>|]*")


def published(message: str, *places: Path | None) -> str:
    """A message in which the last part alone is left of each path.

    :param places: folders and files that it may name, spaces and all.
    """
    names = {spelled: place.resolve().name for place in places if place for spelled in _spellings(place)}
    for spelled in sorted(names, key=len, reverse=True):
        message = message.replace(spelled, names[spelled])
    for home in {str(Path.home()), str(Path.cwd())} - {Path.home().anchor}:
        message = message.replace(home, "~")
    return _PATH.sub(_last_part, message)


def _spellings(place: Path) -> set[str]:
    """Ways to write a path that tell more than a name."""
    ways = {str(place), str(place.expanduser()), str(place.absolute()), str(place.resolve())}
    return {way for way in ways if PureWindowsPath(way).name not in ("", "..") and way != place.name}


def _last_part(found: re.Match[str]) -> str:
    path = found.group().rstrip(".,;:)")
    return (PureWindowsPath(path).name or path) + found.group()[len(path) :]
