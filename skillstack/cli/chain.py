"""A stack, drawn: one line a frame, the newest first, and its totals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from skillstack.answers import Frame
from skillstack.cli.render import can_show
from skillstack.cli.words import accuracy, columns, short, shorten
from skillstack.store.records import Skill
from skillstack.wording import clean_line, many, percent, size

_HEADER = ["FRAME", "FAMILY", "DEV ACCURACY", "SIZE", "ID", "PARENT"]


@dataclass(frozen=True)
class _Glyphs:
    first: str
    middle: str
    last: str
    only: str
    between: str


_LINES = _Glyphs("┌ ", "├ ", "└ ", "─ ", "│ ")
_ASCII = _Glyphs("+ ", "+ ", "+ ", "- ", "| ")


def chain_words(stack: str, frames: Sequence[Frame], where: str, *, hint: str = "") -> list[str]:
    """The frames from the newest to the oldest, each with families, accuracy, size, id and parent.

    :param hint: what to do where there are none.
    """
    title = clean_line(f"{stack}: {where}")
    if not frames:
        return [title, "", "There are no frames.", *([hint] if hint else [])]
    glyphs = _LINES if can_show("┌├└─│") else _ASCII
    marks, cells = ["  "], [_HEADER]
    for number, frame in enumerate(frames):
        marks.append(_mark(glyphs, number, len(frames)))
        cells.append(_row(frame))
        if len(frame.skills) > 1:
            below = "  " if number == len(frames) - 1 else glyphs.between
            marks += [below] * len(frame.skills)
            cells += [_skill_row(skill) for skill in frame.skills]
    drawn = [f"{mark}{line}" for mark, line in zip(marks, columns(cells, right=(3,)), strict=True)]
    return [title, "", *drawn, "", *_totals(frames)]


def _mark(glyphs: _Glyphs, number: int, total: int) -> str:
    if total == 1:
        return glyphs.only
    return glyphs.first if number == 0 else glyphs.last if number == total - 1 else glyphs.middle


def _row(frame: Frame) -> list[str]:
    only = frame.skills[0] if len(frame.skills) == 1 else None
    families = sorted({skill.family for skill in frame.skills})
    return [
        shorten(frame.name, 28),
        shorten("+".join(families), 14),
        accuracy(only.metrics.get("dev")) if only else many(len(frame.skills), "skill"),
        size(frame.adapter_bytes),
        short(frame.id),
        short(frame.parent),
    ]


def _skill_row(skill: Skill) -> list[str]:
    name = f"- {shorten(skill.name, 26)}"
    return [name, shorten(skill.family, 14), accuracy(skill.metrics.get("dev")), "", "", ""]


def _totals(frames: Sequence[Frame]) -> list[str]:
    skills = [skill for frame in frames for skill in frame.skills]
    families = {skill.family for skill in skills}
    measured = [skill.metrics["dev"].accuracy for skill in skills if "dev" in skill.metrics]
    parts = [many(len(frames), "frame")]
    if len(skills) != len(frames):
        parts.append(many(len(skills), "skill"))
    parts.append(many(len(families), "family", "families"))
    if measured:
        parts.append(f"mean dev accuracy {percent(sum(measured) / len(measured))}")
    parts.append(f"adapters {size(sum(frame.adapter_bytes for frame in frames))}")
    newest = frames[0].content
    base = clean_line(f"base {newest.base.name} ({newest.base.architecture}, {newest.precision})")
    return [", ".join(parts), base]
