"""For which frames another one of their family could stand in.

Two ways to stand in: its adapter under the task's own head, which a merge of the two would come near to, and
the frame as it is, where it has the task's labels, which is what happens when the frame is dropped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skillstack.answers import Frame
from skillstack.evaluation.document import paired_json, rounded
from skillstack.evaluation.matrices import FamilyMatrix, family_matrix
from skillstack.evaluation.paired import Paired, paired
from skillstack.evaluation.probes.halves import choose, halves
from skillstack.evaluation.probes.probing import Asking, Origin, Probing
from skillstack.evaluation.result import Mask
from skillstack.evaluation.scores import accuracy, macro
from skillstack.evaluation.sittings import Sitting, sit
from skillstack.evaluation.wanted import families_of

#: Ways to stand in, as the documents call them.
WAYS = ("own_head", "frame_head")


@dataclass(frozen=True)
class StandIn:
    """The best other frame of a family on a task.

    :ivar frame: name of the one that is best on all texts.
    :ivar others: frames that it is the best of.
    :ivar accuracy: of the best other one, chosen on one half of the texts and measured on the other.
    :ivar shortfall: the task's own frame minus that one on the same texts.
    :ivar redundancy: which share of what the own frame is better by than the most frequent label, the other
        one is better by too; 0 to 1, and None where the own frame is no better than that label.
    """

    frame: str
    others: int
    accuracy: float
    shortfall: Paired
    redundancy: float | None

    def to_json(self) -> dict[str, Any]:
        """Shares with six digits."""
        return {
            "frame": self.frame,
            "others": self.others,
            "accuracy": rounded(self.accuracy),
            "shortfall": paired_json(self.shortfall),
            "redundancy": rounded(self.redundancy),
        }


@dataclass(frozen=True)
class TaskRedundancy:
    """One task, as one skill answers it.

    :ivar task: its name.
    :ivar skill: the skill's name; several skills may have one task.
    :ivar frame: the frame that has it.
    :ivar family: its family.
    :ivar n: texts.
    :ivar accuracy: of its own frame.
    :ivar most_frequent: share of the most frequent label among the texts.
    :ivar own_head: who stands in with an adapter; None where the family has no other frame.
    :ivar frame_head: who stands in as it is; None where no other frame of the family has these labels.
    """

    task: str
    skill: str
    frame: str
    family: str
    n: int
    accuracy: float
    most_frequent: float
    own_head: StandIn | None
    frame_head: StandIn | None


@dataclass(frozen=True)
class Redundancy:
    """A stack's frames as stand-ins for each other.

    :ivar origin: where the figures come from.
    :ivar frames: names, oldest first.
    :ivar families: of each frame; of one with skills of several families, all of them.
    :ivar own_head: families of frames by families of tasks: accuracy of adapters under the tasks' own heads.
    :ivar frame_head: likewise of frames as they are, where labels are the same.
    :ivar tasks: one by one.
    :ivar own_head_score: mean redundancy of the tasks that have one; None where none has.
    :ivar frame_head_score: likewise.
    """

    origin: Origin
    frames: tuple[str, ...]
    families: tuple[str, ...]
    own_head: FamilyMatrix
    frame_head: FamilyMatrix
    tasks: tuple[TaskRedundancy, ...]
    own_head_score: float | None
    frame_head_score: float | None

    def to_json(self) -> dict[str, Any]:
        """As `probe redundancy --json` prints it."""
        return {
            **self.origin.to_json("redundancy"),
            "frames": list(self.frames),
            "families": list(self.families),
            "own_head": _matrix_json(self.own_head),
            "frame_head": _matrix_json(self.frame_head),
            "by_task": [_task_json(task) for task in self.tasks],
            "redundancy": {
                "own_head": rounded(self.own_head_score),
                "frame_head": rounded(self.frame_head_score),
            },
        }


def probe(probing: Probing) -> Redundancy:
    """Ask every frame every text.

    :raises InputError: if a task has fewer than two test texts.
    :raises SkillStackError: one of its kinds, if texts or answers cannot be had.
    """
    found = sit(probing.subject, probing.exam)
    sittings, frames = found.each, probing.subject.frames
    parts = [halves(sitting, probing.seed) for sitting in sittings]
    asking = Asking(probing, sittings, found.skipped)
    for sitting in sittings:
        asking.wanted.adapters(sitting)
        asking.wanted.whole_frames(sitting)
    logits = asking.ask()

    def own_head(frame: Frame, sitting: Sitting) -> Mask | None:
        right: Mask = logits[sitting.skill.name, "adapter", frame.id].argmax(axis=1) == sitting.labels
        return right

    def frame_head(frame: Frame, sitting: Sitting) -> Mask | None:
        answers = asking.wanted.whole_frame_answers(sitting, frame, logits)
        return None if answers is None else answers == sitting.labels

    cells = {
        way: [[one(frame, sitting) for sitting in sittings] for frame in frames]
        for way, one in zip(WAYS, (own_head, frame_head), strict=True)
    }
    tasks = tuple(
        _task(sitting, frames, {way: [row[place] for row in cells[way]] for way in WAYS}, parts[place])
        for place, sitting in enumerate(sittings)
    )
    matrices = {way: _families(cells[way], frames, sittings) for way in WAYS}
    return Redundancy(
        origin=asking.origin(),
        frames=tuple(frame.name for frame in frames),
        families=tuple(", ".join(families_of(frame)) for frame in frames),
        own_head=matrices["own_head"],
        frame_head=matrices["frame_head"],
        tasks=tasks,
        own_head_score=_mean([task.own_head for task in tasks]),
        frame_head_score=_mean([task.frame_head for task in tasks]),
    )


def _task(
    sitting: Sitting, frames: Sequence[Frame], columns: dict[str, list[Mask | None]], part: NDArray[np.int64]
) -> TaskRedundancy:
    place = next(i for i, frame in enumerate(frames) if frame.id == sitting.frame.id)
    own = columns["own_head"][place]
    assert own is not None
    most = float(np.bincount(sitting.labels).max()) / len(sitting.labels)

    def stand_in(column: list[Mask | None]) -> StandIn | None:
        others = [
            (frame.name, mask)
            for frame, mask in zip(frames, column, strict=True)
            if frame.id != sitting.frame.id
            and mask is not None
            and sitting.skill.family in families_of(frame)
        ]
        if not others:
            return None
        chosen = choose([[mask] for _, mask in others], [part])
        value = accuracy(chosen.right[0])
        return StandIn(
            frame=others[chosen.best][0],
            others=len(others),
            accuracy=value,
            shortfall=paired([(own, chosen.right[0])]),
            redundancy=redundancy(accuracy(own), value, most),
        )

    return TaskRedundancy(
        task=sitting.skill.task,
        skill=sitting.skill.name,
        frame=sitting.frame.name,
        family=sitting.skill.family,
        n=len(own),
        accuracy=accuracy(own),
        most_frequent=most,
        own_head=stand_in(columns["own_head"]),
        frame_head=stand_in(columns["frame_head"]),
    )


def redundancy(own: float, other: float, most_frequent: float) -> float | None:
    """Which share of a frame's lead over the most frequent label another frame has too, 0 to 1.

    :param own: accuracy of the frame.
    :param other: accuracy of the other one on the same texts.
    :param most_frequent: accuracy of always giving the most frequent label.
    """
    lead = own - most_frequent
    return None if lead <= 0 else min(max((other - most_frequent) / lead, 0.0), 1.0)


def _families(
    cells: Sequence[Sequence[Mask | None]], frames: Sequence[Frame], sittings: Sequence[Sitting]
) -> FamilyMatrix:
    """A frame with skills of several families is a row of each of them."""
    rows = [
        (family, frame, row)
        for frame, row in zip(frames, cells, strict=True)
        for family in families_of(frame)
    ]
    return family_matrix(
        [[0.0 if mask is None else accuracy(mask) for mask in row] for _, _, row in rows],
        [family for family, _, _ in rows],
        [sitting.skill.family for sitting in sittings],
        own=np.array([[frame.id == sitting.frame.id for sitting in sittings] for _, frame, _ in rows]),
        known=np.array([[mask is not None for mask in row] for _, _, row in rows]),
    )


def _mean(stand_ins: Sequence[StandIn | None]) -> float | None:
    found = [one.redundancy for one in stand_ins if one is not None and one.redundancy is not None]
    return macro(found) if found else None


def _task_json(task: TaskRedundancy) -> dict[str, Any]:
    return {
        "task": task.task,
        "skill": task.skill,
        "frame": task.frame,
        "family": task.family,
        "n": task.n,
        "accuracy": rounded(task.accuracy),
        "most_frequent_label": rounded(task.most_frequent),
        "own_head": None if task.own_head is None else task.own_head.to_json(),
        "frame_head": None if task.frame_head is None else task.frame_head.to_json(),
    }


def _matrix_json(matrix: FamilyMatrix) -> dict[str, Any]:
    return {
        "families": list(matrix.families),
        "accuracy": rounded(matrix.matrix),
        "own_tasks": list(matrix.own),
    }
