"""What every frame does on every task: the best one alone, and families that stand in for each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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
