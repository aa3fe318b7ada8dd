"""The rows of every task asked of a stack without one of its frames: what is lost, and who takes over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skillstack.answers import Frame
from skillstack.compression.ablated import Removal, TaskLoss
from skillstack.compression.changes import count_of
from skillstack.compression.judging import Judge, Part, Right, State
from skillstack.compression.present import Present
from skillstack.compression.rows import SkillRows
from skillstack.evaluation.metrics import Mask, accuracy, macro
from skillstack.evaluation.probes.redundancy import redundancy
from skillstack.evaluation.statistics import paired

#: Called with the number of tasks done, and of all.
Tell = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Asked:
    """The rows of one skill.

    :ivar one: the skill with its rows.
    :ivar labels: ``[rows]``, of those that were asked.
    :ivar before: right answers of the stack as it is.
    :ivar after: right answers without each frame, by the frame's name.
    """

    one: SkillRows
    labels: NDArray[np.int64]
    before: Right
    after: Mapping[str, Right]


def ask(
    present: Present, judge: Judge, part: Part, frames: Sequence[Frame], tell: Tell = lambda done, of: None
) -> list[Asked]:
    """Ask the rows of every skill, of the stack as it is and without each frame.

    :param judge: picks who answers where a frame is gone.
    :param tell: called before each task, and at the end.
    :returns: the skills that have rows, oldest first.
    """
    found = []
    for done, one in enumerate(present.judge.skills):
        tell(done, len(present.judge.skills))
        rows = judge.rows(one, part)
        if len(rows):
            before = present.judge.right(one, part, present.state)
            after = {f.name: judge.right(one, part, _without(present.state, f)) for f in frames}
            found.append(Asked(one, rows.labels, before, after))
        present.trial.forget()
    tell(len(present.judge.skills), len(present.judge.skills))
    return found


def _without(state: State, frame: Frame) -> State:
    gone = {skill.name for skill in frame.skills}
    return State(state.answering, {name: at for name, at in state.places.items() if name not in gone})


def removal(frame: Frame, asked: Sequence[Asked]) -> Removal:
    """What the rows say of one frame."""
    pairs = [(one.before.routed, one.after[frame.name].routed) for one in asked]
    own = [one for one in asked if one.one.frame.id == frame.id]
    before = macro([accuracy(one.before.routed) for one in own])
    after = macro([accuracy(one.after[frame.name].routed) for one in own])
    most = macro([int(np.bincount(one.labels).max()) / len(one.labels) for one in own])
    return Removal(
        frame=frame.name,
        id=frame.id,
        skills=tuple(skill.name for skill in frame.skills),
        bytes=frame.adapter_bytes,
        loss=paired(pairs),
        tasks=tuple(_loss(one.one, *pair) for one, pair in zip(asked, pairs, strict=True)),
        taken=_taken(frame, asked),
        before=before if own else None,
        after=after if own else None,
        redundancy=redundancy(before, after, most) if own else None,
    )


def _loss(one: SkillRows, before: Mask, after: Mask) -> TaskLoss:
    return TaskLoss(
        skill=one.skill.name,
        task=one.skill.task,
        frame=one.frame.name,
        before=count_of(before),
        after=count_of(after),
        loss=paired([(before, after)]),
    )


def _taken(frame: Frame, asked: Sequence[Asked]) -> dict[str | None, int]:
    own = {skill.name for skill in frame.skills}
    counts: Counter[str | None] = Counter()
    for one in asked:
        choices = zip(one.before.choices, one.after[frame.name].choices, strict=True)
        counts.update(now for then, now in choices if then in own)
    return dict(sorted(counts.items(), key=lambda found: (-found[1], found[0] or "")))
