"""What was known once and is no longer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from skillstack.evaluation.scores import macro


@dataclass(frozen=True)
class Forgetting:
    """Accuracy that learning later tasks cost.

    :ivar per_task: accuracy right after the task was learned minus the final one, -1 to 1; below 0 where
        later tasks helped.
    :ivar mean: over all tasks but the last, which nothing came after; 0 for a single task.
    """

    per_task: tuple[float, ...]
    mean: float


@dataclass(frozen=True)
class WorstCase:
    """The lowest that accuracy fell to while tasks were learned one after the other.

    :ivar min_acc: mean over the tasks before the last of their lowest accuracy since they were learned, 0 to
        1; None for a single task, which has none before it.
    :ivar wc_acc: the same together with the last task's accuracy, every task weighing the same.
    """

    min_acc: float | None
    wc_acc: float


def forgetting(learned: Sequence[float], final: Sequence[float]) -> Forgetting:
    """Compare each task's accuracy right after it was learned with its final one.

    Chaudhry et al. 2018, Riemannian walk for incremental learning, ECCV, take the best accuracy of any
    earlier step instead of the one right after learning; theirs is never less. Ours is minus the backward
    transfer of Lopez-Paz & Ranzato 2017, Gradient episodic memory for continual learning, NeurIPS.

    :param learned: per task, in the order of learning, its accuracy right after it was learned.
    :param final: per task its accuracy at the end.
    :raises ValueError: where the two do not have the same tasks.
    """
    if len(learned) != len(final):
        raise ValueError(f"{len(learned)} accuracies after learning, but {len(final)} at the end")
    lost = tuple(float(then) - float(now) for then, now in zip(learned, final, strict=True))
    return Forgetting(lost, macro(lost[:-1]))


def worst_case(matrix: Sequence[Sequence[float]]) -> WorstCase:
    """min-ACC and WC-ACC after the last step.

    De Lange, van de Ven & Tuytelaars 2023, Continual evaluation for lifelong learning: identifying the
    stability gap, ICLR. With task ``k`` the last of ``k`` learned, ``min-ACC_k`` is the mean over the tasks
    ``i < k`` of the least ``acc(i)`` over all steps *after* the end of learning ``i``, that end left out, and
    ``WC-ACC_k = 1/k acc(k) + (1 - 1/k) min-ACC_k``. They look after every update; here a step is a whole
    task, so drops in the midst of one are not seen, and both figures are upper bounds of theirs.

    :param matrix: ``matrix[k][i]`` is the accuracy of task ``i`` after step ``k``, both from 0 and ``i <=
        k``; what a row holds of later tasks is not looked at.
    :raises ValueError: without a step, and where a row lacks a task learned by then.
    """
    steps = len(matrix)
    if steps == 0:
        raise ValueError("without a step there is no worst one")
    for step, row in enumerate(matrix):
        if len(row) <= step:
            raise ValueError(f"step {step} has learned {step + 1} tasks, and has {len(row)} accuracies")
    current = float(matrix[-1][steps - 1])
    if steps == 1:
        return WorstCase(None, current)
    lowest = [min(float(matrix[step][task]) for step in range(task + 1, steps)) for task in range(steps - 1)]
    return WorstCase(macro(lowest), macro([*lowest, current]))
