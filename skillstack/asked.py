"""What people ask a stack, checked; and what they get, of the router's and the model's part."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from skillstack.errors import InputError, UsageError
from skillstack.results import Frame, Predicted, RankedTask, Routed
from skillstack.routers.base import RouteResult, probabilities
from skillstack.store.records import Skill
from skillstack.store.rows import Row, check_row
from skillstack.wording import listed, many

if TYPE_CHECKING:
    from skillstack.models.answering import Answer

Text = str | Row


def checked_rows(rows: Text | Sequence[Text]) -> tuple[list[Row], bool]:
    """The rows, and whether it was a single one.

    :raises InputError: if a text is empty or cannot be read.
    """
    if isinstance(rows, (str, Row)):
        return [_checked(rows)], True
    return [_checked(row) for row in rows], False


def check_pair(row: Row, skill: Skill) -> None:
    """See that a skill can read a row.

    :raises InputError: if one of them has a second text and the other none.
    """
    if skill.pair and not row.has_pair:
        raise InputError(
            f"The skill {skill.name!r} reads two texts, and there is one.",
            "Give the second with --text-pair.",
        )
    if row.has_pair and not skill.pair:
        raise InputError(
            f"The skill {skill.name!r} reads one text, and there are two.", "Leave the second text out."
        )


def routed(result: RouteResult, tasks: Sequence[str], frame: Frame | None, skill: Skill | None) -> Routed:
    """A route as people see it.

    :param tasks: of each skill that was scored.
    :param frame: that was chosen, with its ``skill``; None for none.
    """
    return Routed(
        skill=result.skill,
        task=skill.task if skill else None,
        family=skill.family if skill else None,
        frame=frame.name if frame else None,
        frame_id=frame.id if frame else None,
        score=result.score,
        confidence=result.confidence,
        calibrated=result.calibrated,
        accepted=result.accepted,
        fallback=result.fallback,
        depth=result.depth,
        router=result.router,
        ranking=result.ranking.of(tasks, RankedTask),
    )


def named_route(frame: Frame, name: str) -> Routed:
    """The route to a frame that was named: no router was asked.

    :param name: of one of its skills, or of itself if it has one.
    :raises UsageError: if it has several, and none was named.
    """
    named = [skill for skill in frame.skills if skill.name == name or len(frame.skills) == 1]
    if not named:
        raise UsageError(
            f"The frame {frame.name!r} has {many(len(frame.skills), 'skill')}.",
            f"Name one of them: {listed([skill.name for skill in frame.skills])}.",
        )
    skill = named[0]
    return Routed(
        skill=skill.name,
        task=skill.task,
        family=skill.family,
        frame=frame.name,
        frame_id=frame.id,
        score=0.0,
        confidence=1.0,
        calibrated=False,
        accepted=True,
        fallback=False,
        depth=0,
        router="none",
        ranking=(),
    )


def predicted(choice: Routed, skill: Skill, answer: Answer, changed: str | None) -> Predicted:
    """An answer as people see it.

    :param changed: the precision that the base is held at, where it is not the frame's own.
    """
    label = int(answer.logits.argmax())
    shares = dict(zip(skill.labels, probabilities(answer.logits).tolist(), strict=True))
    return Predicted(choice, label, skill.labels[label], shares, answer.truncated, changed)


def _checked(row: Text) -> Row:
    return check_row(row.text, row.text_pair) if isinstance(row, Row) else check_row(row)
