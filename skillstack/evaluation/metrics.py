"""How good answers are: accuracy, forgetting, regret, calibration and confusions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skillstack.store.records import Count

#: ``[rows]``: which answers are right.
Mask = NDArray[np.bool_]

#: The answer of a row that nobody answered: wrong, and of no class.
NO_ANSWER = -1


def accuracy(right: Mask) -> float:
    """Share of right answers, 0 to 1; 0 without rows."""
    return int(np.count_nonzero(right)) / len(right) if len(right) else 0.0


def count_of(right: Mask) -> Count:
    """Right answers and rows as whole numbers."""
    return Count(int(np.count_nonzero(right)), len(right))


def macro_f1(
    labels: Sequence[int] | NDArray[np.int_], answers: Sequence[int] | NDArray[np.int_], classes: int
) -> float:
    """Unweighted mean of the classes' F1 (van Rijsbergen 1979), 0 to 1; 0 without rows.

    A class counts if it occurs among the labels or the answers; its F1 is ``2 tp / (2 tp + fp + fn)``.

    :param labels: ``[rows]``, the right class of each, 0 to ``classes - 1``.
    :param answers: ``[rows]``, the class that was given, or `NO_ANSWER`.
    :param classes: how many classes the task has.
    :raises ValueError: where rows do not match, or a class is out of range.
    """
    right, given = np.asarray(labels, np.int64), np.asarray(answers, np.int64)
    if right.shape != given.shape or right.ndim != 1:
        raise ValueError(f"{right.shape} labels and {given.shape} answers are not one row each")
    if not right.size:
        return 0.0
    if right.min() < 0 or given.min() < NO_ANSWER or max(right.max(), given.max()) >= classes:
        raise ValueError(f"a label or an answer is none of {classes} classes")
    hits = np.bincount(right[right == given], minlength=classes)
    # Twice the hits and all misses of a class are its rows plus the answers that name it.
    named = np.bincount(right, minlength=classes) + np.bincount(given[given != NO_ANSWER], minlength=classes)
    occurs = named > 0
    return float(np.mean(2 * hits[occurs] / named[occurs]))


def macro(values: Sequence[float]) -> float:
    """Plain mean over tasks, however many rows each has; 0 without tasks."""
    return math.fsum(values) / len(values) if len(values) else 0.0


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


@dataclass(frozen=True)
class Regret:
    """Rows answered twice: by their own skill (aware) and by the one that was chosen for them (routed).

    The four counts of routed rows sum up to ``n``; the routed accuracy is the sum of the two with a right
    answer.

    :ivar difference: aware accuracy minus routed accuracy, -1 to 1: ``(lost - gained) / n``; 0 without rows.
    :ivar wrong_skill_wrong_answer: rows of another skill, answered wrongly or not at all.
    :ivar wrong_skill_right_answer: rows of another skill, answered rightly all the same.
    :ivar right_skill_wrong_answer: rows of their own skill, answered wrongly: no router could help.
    :ivar right_skill_right_answer: rows of their own skill, answered rightly.
    :ivar lost: rows of another skill that their own would have answered rightly, and this one did not.
    :ivar gained: rows of another skill that their own would have answered wrongly, and this one did not.
    """

    n: int
    difference: float
    wrong_skill_wrong_answer: int
    wrong_skill_right_answer: int
    right_skill_wrong_answer: int
    right_skill_right_answer: int
    lost: int
    gained: int


def regret(aware_right: Mask, routed_right: Mask, right_skill: Mask) -> Regret:
    """Split the routed rows by skill and answer.

    :param aware_right: ``[rows]``, whether the row's own skill is right.
    :param routed_right: ``[rows]``, whether the chosen skill is; False where none was chosen.
    :param right_skill: ``[rows]``, whether the chosen skill is the row's own.
    :raises ValueError: where rows do not match, and where one skill is both right and wrong about a row.
    """
    aware, routed, own = (np.asarray(mask, np.bool_) for mask in (aware_right, routed_right, right_skill))
    if not aware.shape == routed.shape == own.shape:
        raise ValueError(f"{len(aware)}, {len(routed)} and {len(own)} rows are not the same ones")
    if np.any(own & (aware != routed)):
        raise ValueError("the right skill was chosen, and yet its answer differs from the one it gave before")
    lost, gained = _count(~own & aware & ~routed), _count(~own & ~aware & routed)
    return Regret(
        n=len(own),
        difference=(lost - gained) / len(own) if len(own) else 0.0,
        wrong_skill_wrong_answer=_count(~own & ~routed),
        wrong_skill_right_answer=_count(~own & routed),
        right_skill_wrong_answer=_count(own & ~routed),
        right_skill_right_answer=_count(own & routed),
        lost=lost,
        gained=gained,
    )


def _count(mask: Mask) -> int:
    return int(np.count_nonzero(mask))


@dataclass(frozen=True)
class Bin:
    """Rows of like confidence.

    :ivar low: the least confidence among them.
    :ivar high: the greatest.
    :ivar n: how many rows.
    :ivar confidence: its mean, 0 to 1.
    :ivar accuracy: the share that is right, 0 to 1.
    """

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class CalibrationError:
    """How far confidence and accuracy lie apart.

    :ivar n: rows; without any the figures are 0 and there are no bins.
    :ivar ece: expected calibration error, 0 to 1: the mean over rows of their bin's distance. Chance alone
        makes it greater than 0, the more the fewer rows a bin has.
    :ivar brier: mean of ``(confidence - right)^2``, 0 to 1 (Brier 1950, Monthly Weather Review 78).
    :ivar bins: from the least confident to the most.
    """

    n: int
    ece: float
    brier: float
    bins: tuple[Bin, ...]


def calibration(
    confidence: Sequence[float] | NDArray[np.floating], right: Mask, bins: int = 10
) -> CalibrationError:
    """Put rows into bins of about equal size by confidence, and compare each bin's with what was right.

    Adaptive bins: Nguyen & O'Connor 2015, Posterior calibration and exploratory analysis for natural language
    processing models, EMNLP; Nixon et al. 2019, Measuring calibration in deep learning, CVPR workshops. Bins
    of equal width would leave most of them nearly empty for a model that is mostly sure. Rows of one
    confidence stay in one bin, so bins may be fewer than asked, and the order of rows does not matter.

    :param confidence: ``[rows]``, 0 to 1.
    :param right: ``[rows]``, what turned out.
    :param bins: how many at most.
    :raises ValueError: where rows do not match, a confidence is not in 0 to 1, or no bin is asked for.
    """
    sure, hit = np.asarray(confidence, np.float64), np.asarray(right, np.bool_)
    if sure.shape != hit.shape or sure.ndim != 1:
        raise ValueError(f"{sure.shape} confidences and {hit.shape} outcomes are not one row each")
    if bins < 1:
        raise ValueError(f"rows cannot be put into {bins} bins")
    if not np.all((sure >= 0) & (sure <= 1)):
        raise ValueError("a confidence is not a number from 0 to 1")
    n = len(sure)
    if n == 0:
        return CalibrationError(0, 0.0, 0.0, ())
    place = _places(sure, bins)
    found = tuple(_bin(sure[place == index], hit[place == index]) for index in np.unique(place))
    ece = sum(one.n / n * abs(one.accuracy - one.confidence) for one in found)
    return CalibrationError(n, ece, float(np.mean((sure - hit) ** 2)), found)


def _places(confidence: NDArray[np.float64], bins: int) -> NDArray[np.int64]:
    """``[rows]``: the bin of each; rows of one confidence go where the middle of them belongs."""
    _, group, counts = np.unique(confidence, return_inverse=True, return_counts=True)
    twice_the_middle = 2 * np.cumsum(counts) - counts
    place: NDArray[np.int64] = (bins * twice_the_middle // (2 * len(confidence)))[group]
    return place


def _bin(confidence: NDArray[np.float64], right: Mask) -> Bin:
    low, high = float(confidence.min()), float(confidence.max())
    # Rounding may push a mean of equal numbers past them.
    mean = min(max(float(confidence.mean()), low), high)
    return Bin(low, high, len(confidence), mean, accuracy(right))


@dataclass(frozen=True)
class Confusion:
    """Rows of one label that were given another.

    :ivar label: the right one.
    :ivar answer: the one that was given.
    :ivar rows: how many.
    :ivar of: rows of the right label.
    :ivar examples: some of their texts, the first that came.
    """

    label: str
    answer: str
    rows: int
    of: int
    examples: tuple[str, ...]


def confusions(
    right: Sequence[str], answers: Sequence[str], texts: Sequence[str], *, most: int = 5, examples: int = 2
) -> tuple[Confusion, ...]:
    """The most frequent confusions, the most frequent first.

    :param right: the right label of each row.
    :param answers: the label that was given to it.
    :param texts: what it says.
    :param most: confusions at most.
    :param examples: texts of each at most.
    """
    found: dict[tuple[str, str], list[str]] = {}
    for label, answer, text in zip(right, answers, texts, strict=True):
        if label != answer:
            found.setdefault((label, answer), []).append(text)
    ordered = sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))
    return tuple(
        Confusion(label, answer, len(rows), sum(one == label for one in right), tuple(rows[:examples]))
        for (label, answer), rows in ordered[:most]
    )
