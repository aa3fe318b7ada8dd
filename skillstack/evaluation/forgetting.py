"""What was known once and is no longer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from skillstack.evaluation.scores import macro


@dataclass(frozen=True)
class Forgetting:
    """Accuracy that learning later tasks cost.

    :ivar per_task: accuracy right after the task was learned minus the final one, -1 to 1; below 0 where
        later tasks helped, None where nothing came after.
    :ivar mean: over all tasks that something came after; None where there is none.
    """

    per_task: tuple[float | None, ...]
    mean: float | None


@dataclass(frozen=True)
class WorstCase:
    """The lowest that accuracy fell to while tasks were learned one after the other.

    :ivar min_acc: mean over the tasks before the last of their lowest accuracy since they were learned, 0 to
        1; None for a single task, which has none before it.
    :ivar wc_acc: the same together with the last task's accuracy, every task weighing the same.
    """

    min_acc: float | None
    wc_acc: float


def forgetting(learned: Sequence[float], final: Sequence[float], *, last: int = 1) -> Forgetting:
    """Compare each task's accuracy right after it was learned with its final one.

    Chaudhry et al. 2018, Riemannian walk for incremental learning, ECCV, take the best accuracy of any
    earlier step instead of the one right after learning; theirs is never less. Ours is minus the backward
    transfer of Lopez-Paz & Ranzato 2017, Gradient episodic memory for continual learning, NeurIPS.

    :param learned: per task, in the order of learning, its accuracy right after it was learned.
    :param final: per task its accuracy at the end.
    :param last: how many tasks, at the end, nothing came after; a frame may teach several at once.
    :raises ValueError: where the two do not have the same tasks.
    """
    if len(learned) != len(final):
        raise ValueError(f"{len(learned)} accuracies after learning, but {len(final)} at the end")
    lost = [float(then) - float(now) for then, now in zip(learned, final, strict=True)]
    earlier = lost[: max(len(lost) - last, 0)]
    nothing = (None,) * (len(lost) - len(earlier))
    return Forgetting((*earlier, *nothing), macro(earlier) if earlier else None)


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
