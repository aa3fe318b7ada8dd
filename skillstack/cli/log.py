"""``skillstack log``: the stack drawn, one line a frame, the newest first; or its history."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from skillstack.cli.command import Invocation, command
from skillstack.cli.console import accuracy, can_show, fields, short, shorten, table
from skillstack.wording import clean_line, many, percent, size

if TYPE_CHECKING:
    from skillstack.results import Frame
    from skillstack.store.history import History, Transaction
    from skillstack.store.records import Skill


@command("skillstack log", "skillstack log --json", "skillstack log --history")
@click.option("--history", is_flag=True, help="List the changes of the stack instead of its frames.")
def log(call: Invocation, history: bool) -> None:
    """Draw the stack, from the newest frame to the oldest."""
    opened = call.open()
    if history:
        record = opened.history()
        call.answer(
            lambda: {"stack": opened.name, "transactions": history_json(record)},
            lambda: history_words(opened.name, record),
        )
        return
    from skillstack.cli.welcome import empty_hint

    frames, where = opened.frames(), str(opened.store.root)
    hint = "" if frames else empty_hint(opened.store, opened.name)
    call.answer(
        lambda: {"stack": opened.name, "frames": [frame.to_json() for frame in frames]},
        lambda: chain_words(opened.name, frames, where, hint=hint),
    )


#: Before the first, a middle, the last and an only frame, and between the skills of one.
_LINES = ("┌ ", "├ ", "└ ", "─ ", "│ ")
_ASCII = ("+ ", "+ ", "+ ", "- ", "| ")


def chain_words(stack: str, frames: Sequence[Frame], where: str, *, hint: str = "") -> list[str]:
    """The frames from the newest to the oldest, each with families, accuracy, size, id and parent.

    :param hint: what to do where there are none.
    """
    title = clean_line(f"{stack}: {where}")
    if not frames:
        return [title, "", "There are no frames.", *([hint] if hint else [])]
    first, middle, lowest, only, between = _LINES if can_show("┌├└─│") else _ASCII
    rows = []
    for number, frame in enumerate(frames):
        last = number == len(frames) - 1
        mark = first if number == 0 else lowest if last else middle
        rows.append(_row(only if len(frames) == 1 else mark, frame))
        if len(frame.skills) > 1:
            rows += [_skill_row("  " if last else between, skill) for skill in frame.skills]
    heads = ["  FRAME", "FAMILY", "DEV ACCURACY", "SIZE", "ID", "PARENT"]
    return [title, "", *table(heads, rows, left=(0, 1, 2, 4, 5), indent=0), "", *_totals(frames)]


def _row(mark: str, frame: Frame) -> list[str]:
    only = frame.skills[0] if len(frame.skills) == 1 else None
    families = sorted({skill.family for skill in frame.skills})
    return [
        f"{mark}{shorten(frame.name, 28)}",
        shorten("+".join(families), 14),
        accuracy(only.metrics.get("dev")) if only else many(len(frame.skills), "skill"),
        size(frame.adapter_bytes),
        short(frame.id),
        short(frame.parent),
    ]


def _skill_row(mark: str, skill: Skill) -> list[str]:
    return [
        f"{mark}- {shorten(skill.name, 26)}",
        shorten(skill.family, 14),
        accuracy(skill.metrics.get("dev")),
        "",
        "",
        "",
    ]


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


def history_json(history: History) -> list[dict[str, Any]]:
    """Transactions, newest first."""
    return [
        {**fields(transaction, "id", "before", "after", "steps", "time", "note"), "undone": undone}
        for transaction, undone in _newest_first(history)
    ]


def history_words(stack: str, history: History) -> list[str]:
    """Transactions, newest first: when, what, from which tip to which."""
    rows = [
        [
            _when(transaction.time),
            f"{short(transaction.before)} -> {short(transaction.after)}",
            many(transaction.steps, "step"),
            f"{'(undone) ' if undone else ''}{transaction.note}",
        ]
        for transaction, undone in _newest_first(history)
    ]
    total = many(len(rows), "change")
    return [
        f"{stack}: {total}, {len(history.undone)} of them undone",
        "",
        *table([], rows, left=range(4), indent=0),
    ]


def _newest_first(history: History) -> list[tuple[Transaction, bool]]:
    undone = [(transaction, True) for transaction in history.undone]
    return undone + [(transaction, False) for transaction in reversed(history.done)]


def _when(time: object) -> str:
    try:
        return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M UTC")  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError, OSError):
        return "at an unknown time"
