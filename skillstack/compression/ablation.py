"""Ablation: a stack without each of its frames in turn, and one frame pruned where the guard lets it go.

What a part of a system is worth shows when it is taken out (Meyes et al. 2019, Ablation studies in artificial
neural networks, https://arxiv.org/abs/1901.08644). Nothing is trained: the router picks among the skills that
are left, and whoever it picks answers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skillstack.compression.candidate import frames_with
from skillstack.compression.evaluate import RightAnswers, answers_today, change_of, right_answers
from skillstack.compression.guard import verdict_of
from skillstack.compression.request import GuardConfig
from skillstack.compression.results import SkillChange, Verdict, count_json
from skillstack.compression.rows import SkillRows
from skillstack.compression.workspace import Snapshot, Workspace
from skillstack.errors import InputError, UsageError
from skillstack.evaluation.intervals import rounded
from skillstack.evaluation.metrics import accuracy, count_of, macro
from skillstack.evaluation.probes.redundancy import redundancy
from skillstack.evaluation.statistics import Paired, paired
from skillstack.results import SCHEMA, Frame
from skillstack.routers.base import Scores
from skillstack.routers.stack_router import StackRouter
from skillstack.store.records import Count
from skillstack.store.rows import Row
from skillstack.store.walk import without

#: Called with the number of tasks done, and of all.
TellTasks = Callable[[int, int], None]


@dataclass(frozen=True)
class TaskLoss:
    """One task, with a frame and without it, on the same rows; the router picks who answers.

    :ivar skill: the skill whose rows they are.
    :ivar before: right answers of the stack as it is.
    :ivar after: right answers without the frame that is removed.
    :ivar loss: accuracy before minus after.
    """

    skill: str
    task: str
    frame: str
    before: Count
    after: Count
    loss: Paired

    def to_json(self) -> dict[str, Any]:
        """Shares with six digits."""
        return {
            "skill": self.skill,
            "task": self.task,
            "frame": self.frame,
            "before": count_json(self.before),
            "after": count_json(self.after),
            "loss": self.loss.to_json(),
        }


@dataclass(frozen=True)
class FrameRemoval:
    """A stack without one of its frames.

    :ivar skills: names of its skills, which all go.
    :ivar bytes: of its adapter.
    :ivar loss: mean over tasks of routed accuracy before minus after.
    :ivar tasks: one by one, oldest first.
    :ivar taken: of the texts that the router gives to the frame, how many go to which skill instead, most
        first; to None go those that no other skill can read.
    :ivar before: routed accuracy of the frame's own tasks as it is, a mean over them; None without rows.
    :ivar after: likewise without it.
    :ivar redundancy: which share of its own tasks' lead over their most frequent labels the stack keeps, 0 to
        1; None where there is no lead.
    """

    frame: str
    id: str
    skills: tuple[str, ...]
    bytes: int
    loss: Paired
    tasks: tuple[TaskLoss, ...]
    taken: Mapping[str | None, int]
    before: float | None
    after: float | None
    redundancy: float | None

    @property
    def texts(self) -> int:
        """Texts that the router gives to the frame."""
        return sum(self.taken.values())

    def to_json(self) -> dict[str, Any]:
        """Shares with six digits."""
        return {
            "frame": self.frame,
            "id": self.id,
            "skills": list(self.skills),
            "bytes": self.bytes,
            "loss": self.loss.to_json(),
            "own_tasks": {"before": rounded(self.before), "after": rounded(self.after)},
            "redundancy": rounded(self.redundancy),
            "texts": self.texts,
            "taken": [{"skill": skill, "texts": texts} for skill, texts in self.taken.items()],
            "tasks": [task.to_json() for task in self.tasks],
        }


@dataclass(frozen=True)
class Pruning:
    """The guard's verdict on one removal, and what was done.

    :ivar skills: every task on the guard rows, with the router as it is and as it is fitted anew.
    :ivar verdict: ``passes``, ``loses too much`` or ``cannot tell``.
    :ivar tip: the stack's new newest node; None where nothing has changed.
    """

    frame: str
    skills: tuple[SkillChange, ...]
    verdict: Verdict
    why: str
    tip: str | None

    @property
    def applied(self) -> bool:
        """Whether the stack has changed."""
        return self.tip is not None

    def to_json(self) -> dict[str, Any]:
        """Shares with six digits."""
        return {
            "frame": self.frame,
            "verdict": self.verdict,
            "why": self.why,
            "applied": self.applied,
            "tip": self.tip,
            "tasks": [one.to_json() for one in self.skills],
        }


@dataclass(frozen=True)
class Ablation:
    """A stack without each of its frames in turn.

    :ivar tip: its newest node when it was asked.
    :ivar texts: rows that were asked, of all tasks.
    :ivar tasks: how many tasks they are of.
    :ivar routed: accuracy of the stack as it is, a mean over tasks.
    :ivar margin: the loss that the guard allows, as a share.
    :ivar level: chance, at most, of passing what loses more.
    :ivar removals: what costs least first.
    :ivar skipped: skills without rows here, and why.
    :ivar pruning: what the guard said; None where nothing was to be changed.
    """

    stack: str
    tip: str
    frames: int
    texts: int
    tasks: int
    routed: float
    margin: float
    level: float
    removals: tuple[FrameRemoval, ...]
    skipped: Mapping[str, str]
    pruning: Pruning | None = None

    def to_json(self) -> dict[str, Any]:
        """As `ablate --json` prints it."""
        return {
            "schema": SCHEMA,
            "stack": self.stack,
            "tip": self.tip,
            "part": "dev",
            "texts": self.texts,
            "tasks": self.tasks,
            "routed": rounded(self.routed),
            "margin": self.margin,
            "level": self.level,
            "removals": [removal.to_json() for removal in self.removals],
            "skipped": dict(self.skipped),
            "pruning": None if self.pruning is None else self.pruning.to_json(),
        }


def ablate(
    snapshot: Snapshot,
    frames: Sequence[Frame],
    family: str | None,
    config: GuardConfig,
    *,
    apply: bool = False,
    tell: TellTasks = lambda done, of: None,
) -> Ablation:
    """Measure what the stack loses without each frame, and prune one if asked and if the guard passes.

    :param frames: to be removed, each by itself; none for those of the family, or all.
    :param apply: whether the one frame is to be pruned.
    :param tell: called with the number of tasks done, and of all.
    :raises UsageError: if frames and a family are named, there is no such family, several frames are to be
        pruned at once, or nothing would be left.
    :raises InputError: if rows that it needs cannot be had.
    :raises SkillStackError: one of its kinds, if anything else cannot be done; nothing has changed then.
    """
    removed = _removed(snapshot, frames, family)
    if apply and len(frames) != 1:
        raise UsageError(
            "One frame is pruned at a time.", "Name it with --frame, and nothing else beside it."
        )
    if not snapshot.frames:
        raise UsageError(f"The stack {snapshot.name!r} has no frames.", "Train something first.")
    if len(snapshot.frames) == 1:
        raise UsageError(
            f"The stack {snapshot.name!r} has one frame, so nothing would be left without it.",
            "`skillstack stacks delete` removes a whole stack.",
        )
    # Without a task's rows nobody can promise that it loses nothing.
    needed = snapshot.skills if apply else {skill.name for frame in frames for skill in frame.skills}
    workspace = Workspace(snapshot, config, needed, whole=True)
    skipped = workspace.skipped | {
        one.skill.name: "It has no dev rows." for one in workspace.rows if not len(one.dev)
    }
    if len(skipped) == len(snapshot.skills):
        why = next(iter(skipped.values()))
        raise InputError(
            f"No task of the stack has rows here. {why}", "Give --data-dir, or rows with --rows."
        )
    asked = _ask(workspace, "dev", removed, workspace.scores, tell)
    removals = [_removal(frame, asked) for frame in removed]
    return Ablation(
        stack=snapshot.name,
        tip=snapshot.frames[-1].id,
        frames=len(snapshot.frames),
        texts=sum(len(one.labels) for one in asked),
        tasks=len(asked),
        routed=macro([accuracy(one.before.routed) for one in asked]),
        margin=config.margin,
        level=config.level,
        removals=tuple(sorted(removals, key=lambda one: (one.loss.difference, -one.bytes))),
        skipped=skipped,
        pruning=prune(workspace, removed[0]) if apply else None,
    )


def prune(workspace: Workspace, frame: Frame) -> Pruning:
    """Test every task once on its guard rows without the frame, and change the stack if all pass.

    Each task passes or not at the level by itself, and all have to pass (Berger 1982,
    https://doi.org/10.2307/1267823). The router is fitted without the frame before that: what is tested is
    what will answer.

    :raises BusyError: if the stack was changed meanwhile.
    :raises StoreError: if the stack is read-only or the disk fails; nothing has changed then.
    """
    snapshot, config = workspace.snapshot, workspace.config
    records = without([one.content for one in snapshot.frames], frame.content)
    chain = [(record.id, record) for record in records]
    router = StackRouter(snapshot.store, snapshot.name, keep=False)

    def scores(one: SkillRows, part: str) -> Scores:
        rows: Sequence[Row] = one.part(part).rows
        return router.scores(chain, rows)

    tested = {
        one.rows.skill.name: (one.before.routed, one.after[frame.name].routed)
        for one in _ask(workspace, "guard", [frame], scores)
    }
    none = np.zeros(0, dtype=np.bool_)
    changes = tuple(
        change_of(one, *tested.get(one.skill.name, (none, none)), margin=config.margin, level=config.level)
        for one in workspace.rows
    )
    verdict, why = verdict_of(changes)
    if verdict != "passes":
        return Pruning(frame.name, changes, verdict, why, None)
    tip = snapshot.put_in_place(records, "ablate", f"ablate --frame {frame.name}")
    return Pruning(frame.name, changes, verdict, why, tip)


def _removed(snapshot: Snapshot, named: Sequence[Frame], family: str | None) -> tuple[Frame, ...]:
    """The frames to remove, oldest first."""
    if named and family is not None:
        raise UsageError("Frames and a family are named.", "Give --frame or --family, not both.")
    if family is not None:
        return frames_with(snapshot.frames, family)
    ids = {frame.id for frame in named or snapshot.frames}
    return tuple(frame for frame in snapshot.frames if frame.id in ids)


@dataclass(frozen=True, eq=False)
class _SkillAnswers:
    """The rows of one skill.

    :ivar rows: the skill with its rows.
    :ivar labels: ``[rows]``, of those that were asked.
    :ivar before: right answers of the stack as it is.
    :ivar after: right answers without each frame, by the frame's name.
    """

    rows: SkillRows
    labels: NDArray[np.int64]
    before: RightAnswers
    after: Mapping[str, RightAnswers]


def _ask(
    workspace: Workspace,
    part: str,
    frames: Sequence[Frame],
    scores: Callable[[SkillRows, str], Scores],
    tell: TellTasks = lambda done, of: None,
) -> list[_SkillAnswers]:
    """Evaluate the rows of every skill on the stack as it is and without each frame.

    :param scores: the router's where a frame is gone.
    :param tell: called before each task, and at the end.
    :returns: the skills that have rows, oldest first.
    """
    found = []
    for done, one in enumerate(workspace.rows):
        tell(done, len(workspace.rows))
        labels = one.part(part).labels
        if len(labels):
            values = scores(one, part)
            after = {
                frame.name: right_answers(workspace, one, part, values, {s.name for s in frame.skills})
                for frame in frames
            }
            found.append(_SkillAnswers(one, labels, answers_today(workspace, one, part), after))
        workspace.trial.forget()
    tell(len(workspace.rows), len(workspace.rows))
    return found


def _removal(frame: Frame, asked: Sequence[_SkillAnswers]) -> FrameRemoval:
    """Sum up the answers without one frame."""
    pairs = [(one.before.routed, one.after[frame.name].routed) for one in asked]
    own = [one for one in asked if one.rows.frame.id == frame.id]
    before = macro([accuracy(one.before.routed) for one in own])
    after = macro([accuracy(one.after[frame.name].routed) for one in own])
    most = macro([int(np.bincount(one.labels).max()) / len(one.labels) for one in own])
    return FrameRemoval(
        frame=frame.name,
        id=frame.id,
        skills=tuple(skill.name for skill in frame.skills),
        bytes=frame.adapter_bytes,
        loss=paired(pairs),
        tasks=tuple(
            TaskLoss(
                skill=one.rows.skill.name,
                task=one.rows.skill.task,
                frame=one.rows.frame.name,
                before=count_of(was),
                after=count_of(now),
                loss=paired([(was, now)]),
            )
            for one, (was, now) in zip(asked, pairs, strict=True)
        ),
        taken=_taken(frame, asked),
        before=before if own else None,
        after=after if own else None,
        redundancy=redundancy(before, after, most) if own else None,
    )


def _taken(frame: Frame, asked: Sequence[_SkillAnswers]) -> dict[str | None, int]:
    own = {skill.name for skill in frame.skills}
    counts: Counter[str | None] = Counter()
    for one in asked:
        choices = zip(one.before.choices, one.after[frame.name].choices, strict=True)
        counts.update(now for then, now in choices if then in own)
    return dict(sorted(counts.items(), key=lambda found: (-found[1], found[0] or "")))
