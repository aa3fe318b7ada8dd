"""Finds frames that another frame of their family could replace, from every frame on every task.

A frame can replace another one in two ways: by its adapter under the task's own head, which a merge of the
two would come near to, and as it is, where it has the task's labels, as happens when the other is dropped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skillstack.evaluation.intervals import rounded
from skillstack.evaluation.metrics import Mask, accuracy, macro
from skillstack.evaluation.prediction_plan import families_of
from skillstack.evaluation.probes.probing import Origin, ProbeRunner, Probing, choose, halves
from skillstack.evaluation.questions import SkillQuestions, stack_questions
from skillstack.evaluation.statistics import Paired, paired
from skillstack.results import Frame

#: ``[frames, tasks]``: accuracies, 0 to 1.
Accuracies = NDArray[np.float64] | Sequence[Sequence[float]]


@dataclass(frozen=True)
class BestSingle:
    """The one frame that would serve all tasks best.

    :ivar index: its row; the first of those that are equally good.
    :ivar value: its mean over tasks, 0 to 1.
    """

    index: int
    value: float


@dataclass(frozen=True)
class FamilyMatrix:
    """How well the frames of one family do on the tasks of another.

    :ivar families: names of the rows (frames) and of the columns (tasks), as they first come up.
    :ivar matrix: ``matrix[f][g]``: mean accuracy of the frames of ``f`` on the tasks of ``g``; None where
        there is no frame of ``f`` or no task of ``g``, or no cell of theirs was measured.
    :ivar own: of each row whether its diagonal is of frames on their own tasks, for want of others.
    """

    families: tuple[str, ...]
    matrix: tuple[tuple[float | None, ...], ...]
    own: tuple[bool, ...]


def best_single(accuracy: Accuracies) -> BestSingle:
    """Find the frame of the highest mean over tasks.

    :raises ValueError: for a matrix without cells, or with a number that is no accuracy.
    """
    means = _checked(accuracy).mean(axis=1)
    index = int(np.argmax(means))
    return BestSingle(index, float(means[index]))


def family_matrix(
    accuracy: Accuracies,
    frame_families: Sequence[str],
    task_families: Sequence[str],
    *,
    own: NDArray[np.bool_] | None = None,
    known: NDArray[np.bool_] | None = None,
) -> FamilyMatrix:
    """Average a matrix of frames and tasks by family.

    A frame on the task it was trained for tells how well it learned, not how well it stands in for another
    one, and would make every family look like its own best substitute. So such cells are left out wherever a
    pair of families has others; a family of one frame and one task has none, keeps its cell, and is marked.

    :param accuracy: ``[frames, tasks]``.
    :param frame_families: the family of each frame.
    :param task_families: the family of each task.
    :param own: ``[frames, tasks]``, which cells are of a frame on a task it was trained for; without it frame
        ``i`` was trained for task ``i``.
    :param known: ``[frames, tasks]``, which cells were measured; all of them by default.
    :raises ValueError: where shapes do not match, for a matrix without cells, and a number that is no
        accuracy.
    """
    cells = _checked(accuracy)
    if cells.shape != (len(frame_families), len(task_families)):
        raise ValueError(
            f"a matrix of {cells.shape} for {len(frame_families)} frames, {len(task_families)} tasks"
        )
    if own is None and cells.shape[0] != cells.shape[1]:
        raise ValueError("frames and tasks are not one each, so which task is whose must be said")
    trained = np.eye(len(cells), dtype=np.bool_) if own is None else np.asarray(own, np.bool_)
    if trained.shape != cells.shape:
        raise ValueError(f"own cells of {trained.shape} for a matrix of {cells.shape}")
    measured = np.ones_like(trained) if known is None else np.asarray(known, np.bool_)
    if measured.shape != cells.shape:
        raise ValueError(f"known cells of {measured.shape} for a matrix of {cells.shape}")
    families = tuple(dict.fromkeys((*frame_families, *task_families)))
    frames, tasks = np.array(frame_families), np.array(task_families)
    blocks = [[np.ix_(frames == row, tasks == column) for column in families] for row in families]
    return FamilyMatrix(
        families,
        tuple(
            tuple(_mean(cells[block][measured[block]], trained[block][measured[block]]) for block in row)
            for row in blocks
        ),
        tuple(_all_own(trained[row[at]][measured[row[at]]]) for at, row in enumerate(blocks)),
    )


def _mean(cells: NDArray[np.float64], own: NDArray[np.bool_]) -> float | None:
    if not cells.size:
        return None
    return float(cells.mean() if own.all() else cells[~own].mean())


def _all_own(own: NDArray[np.bool_]) -> bool:
    return bool(own.size and own.all())


def _checked(accuracy: Accuracies) -> NDArray[np.float64]:
    cells = np.asarray(accuracy, np.float64)
    if cells.ndim != 2 or not cells.size:
        raise ValueError(f"accuracies of {cells.shape} are no matrix of frames and tasks")
    if not np.all((cells >= 0) & (cells <= 1)):
        raise ValueError("an accuracy is not a number from 0 to 1")
    return cells


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
            "shortfall": self.shortfall.to_json(),
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
    found = stack_questions(probing.stack, probing.config)
    entries, frames = found.each, probing.stack.frames
    parts = [halves(entry, probing.seed) for entry in entries]
    asking = ProbeRunner(probing, entries, found.skipped)
    for entry in entries:
        asking.wanted.adapters(entry)
        asking.wanted.whole_frames(entry)
    logits = asking.ask()

    def own_head(frame: Frame, entry: SkillQuestions) -> Mask | None:
        right: Mask = logits[entry.skill.name, "adapter", frame.id].argmax(axis=1) == entry.labels
        return right

    def frame_head(frame: Frame, entry: SkillQuestions) -> Mask | None:
        answers = asking.wanted.whole_frame_answers(entry, frame, logits)
        return None if answers is None else answers == entry.labels

    cells = {
        way: [[one(frame, entry) for entry in entries] for frame in frames]
        for way, one in zip(WAYS, (own_head, frame_head), strict=True)
    }
    tasks = tuple(
        _task(entry, frames, {way: [row[place] for row in cells[way]] for way in WAYS}, parts[place])
        for place, entry in enumerate(entries)
    )
    matrices = {way: _families(cells[way], frames, entries) for way in WAYS}
    return Redundancy(
        origin=asking.origin(),
        frames=tuple(frame.name for frame in frames),
        families=tuple(", ".join(families_of(frame)) for frame in frames),
        own_head=matrices["own_head"],
        frame_head=matrices["frame_head"],
        tasks=tasks,
        own_head_score=_mean_of([task.own_head for task in tasks]),
        frame_head_score=_mean_of([task.frame_head for task in tasks]),
    )


def _task(
    entry: SkillQuestions,
    frames: Sequence[Frame],
    columns: dict[str, list[Mask | None]],
    part: NDArray[np.int64],
) -> TaskRedundancy:
    place = next(i for i, frame in enumerate(frames) if frame.id == entry.frame.id)
    own = columns["own_head"][place]
    assert own is not None
    most = float(np.bincount(entry.labels).max()) / len(entry.labels)

    def stand_in(column: list[Mask | None]) -> StandIn | None:
        others = [
            (frame.name, mask)
            for frame, mask in zip(frames, column, strict=True)
            if frame.id != entry.frame.id and mask is not None and entry.skill.family in families_of(frame)
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
        task=entry.skill.task,
        skill=entry.skill.name,
        frame=entry.frame.name,
        family=entry.skill.family,
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
    cells: Sequence[Sequence[Mask | None]], frames: Sequence[Frame], entries: Sequence[SkillQuestions]
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
        [entry.skill.family for entry in entries],
        own=np.array([[frame.id == entry.frame.id for entry in entries] for _, frame, _ in rows]),
        known=np.array([[mask is not None for mask in row] for _, _, row in rows]),
    )


def _mean_of(stand_ins: Sequence[StandIn | None]) -> float | None:
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
