"""The test rows of a sequence, asked of a learner: all at the end, the first of each class on the way."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skillstack.continual.cost import CostLedger
from skillstack.continual.lessons import EncodedDataset, SequenceTask
from skillstack.continual.method import Learner
from skillstack.continual.methods.frames import Frames
from skillstack.data.splits import sample
from skillstack.data.task import Example, Task, TaskData, rendering
from skillstack.errors import MismatchError
from skillstack.evaluation.metrics import Mask, accuracy
from skillstack.evaluation.questions import SEED, test_rows
from skillstack.models.slot import Slot
from skillstack.models.split import SplitModel
from skillstack.routers.registry import DEFAULT
from skillstack.routers.stack_router import StackRouter
from skillstack.store import canonical
from skillstack.store.canonical import sha256
from skillstack.store.records import Rendering
from skillstack.training.data import labels_of, rows_of

#: Test rows of each class that are asked after every task. They are the first of those that are asked at the
#: end.
ON_THE_WAY = 16
Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class TaskTest:
    """The test rows of one task.

    :ivar task: the task.
    :ivar passages: the rows as the base reads them.
    :ivar labels: ``[rows]``.
    :ivar first: numbers of the rows that are asked on the way.
    :ivar digest: SHA-256 over rows and labels, in order.
    """

    task: Task
    passages: EncodedDataset
    labels: Integers
    first: tuple[int, ...]
    digest: str

    def answers(self, learner: Learner, number: int, rows: Sequence[int] | None = None) -> Integers:
        """Labels that a learner gives, with the task given.

        :param number: the task's place in the learner's sequence.
        :raises MismatchError: if a logit is not finite.
        """
        logits = learner.logits(number, self.passages, rows)
        if not np.isfinite(logits).all():
            raise MismatchError(
                f"A logit of the task {self.task.name!r} is not finite.",
                "Lower the learning rate with --set learning_rate=VALUE, or hold the base at fp32.",
            )
        found: Integers = logits.argmax(axis=1).astype(np.int64)
        return found

    def accuracy_on_the_way(self, right: Mask) -> float:
        """That of the first rows, from all of them."""
        return accuracy(right[list(self.first)])


def exam(slot: Slot, split: SplitModel, data: TaskData, per_class: int | None, max_length: int) -> TaskTest:
    """The exam of a task.

    :param per_class: rows of each class at most; None for all.
    :raises InputError: if the task has no test rows.
    """
    chosen = test_rows(data, per_class)
    shown = rendering(data.task, slot.base.kind, max_length)
    return TaskTest(
        task=data.task,
        passages=EncodedDataset(slot, split, CostLedger(), rows_of(chosen), shown),
        labels=np.array(labels_of(chosen), dtype=np.int64),
        first=_first(chosen, data.task.name),
        digest=rows_digest(chosen),
    )


def rows_digest(chosen: Sequence[Example]) -> str:
    """SHA-256 over rows and labels, in order."""
    return sha256(canonical.dumps([[one.row.digest(), one.label] for one in chosen]))


def _first(chosen: Sequence[Example], name: str) -> tuple[int, ...]:
    places = {example: place for place, example in enumerate(chosen)}
    return tuple(sorted(places[example] for example in sample(chosen, ON_THE_WAY, SEED, name)))


class Watch:
    """Follows the accuracy of every task learned so far, asking only what may have changed.

    :param exams: in the order of the tasks.
    """

    def __init__(self, exams: Sequence[TaskTest]) -> None:
        self._exams = exams
        self._known: dict[int, tuple[int, float]] = {}

    def look(self, learner: Learner, learned: int) -> tuple[float, ...]:
        """Accuracy of each task learned so far on its first rows.

        :param learned: how many there are.
        """
        return tuple(self._accuracy(learner, number) for number in range(learned))

    def _accuracy(self, learner: Learner, number: int) -> float:
        version = learner.version(number)
        known = self._known.get(number)
        if known is None or known[0] != version:
            exam, rows = self._exams[number], list(self._exams[number].first)
            right = exam.answers(learner, number, rows) == exam.labels[rows]
            known = self._known[number] = version, accuracy(right)
        return known[1]


def routed(
    frames: Frames, lessons: Sequence[SequenceTask], exams: Sequence[TaskTest], right: Sequence[Mask]
) -> list[tuple[Mask, Mask]]:
    """Of each task's rows, which the picked skill answers rightly, and of which it is the own one.

    An answer is right when its label has the right name, whoever gives it.

    :param right: of each task, whether its own skill is right.
    """
    router = StackRouter(frames.place.store, frames.place.stack)
    places = {lesson.data.task.name: lesson.number for lesson in lessons}
    rows = [row for exam in exams for row in exam.passages.rows]
    routes = iter(router.route(frames.chain(), rows, router=DEFAULT))
    found = []
    for number, (exam, own) in enumerate(zip(exams, right, strict=True)):
        picked = [places.get(str(next(routes).skill), -1) for _ in exam.passages.rows]
        served = own.copy()
        for other in sorted(set(picked) - {number}):
            strays = [row for row, place in enumerate(picked) if place == other]
            served[strays] = False if other < 0 else _right(frames, lessons[other], exam, strays)
        found.append((served, np.array([place == number for place in picked], dtype=np.bool_)))
    return found


def _right(frames: Frames, lesson: SequenceTask, exam: TaskTest, rows: Sequence[int]) -> Mask:
    """Whether another task's frame gives the right label's name for these rows."""
    passages, wanted = _passages(lesson.rendering, exam, rows)
    answers = frames.logits(lesson.number, passages, wanted).argmax(axis=1)
    names = lesson.data.task.labels
    return np.array(
        [
            names[answer] == exam.task.labels[exam.labels[row]]
            for answer, row in zip(answers, rows, strict=True)
        ],
        dtype=np.bool_,
    )


def _passages(
    shown: Rendering, exam: TaskTest, rows: Sequence[int]
) -> tuple[EncodedDataset, Sequence[int] | None]:
    """The rows as another task shows them; what is kept is used where that makes no difference."""
    own = dataclasses.replace(exam.passages.rendering, label_words=())
    if dataclasses.replace(shown, label_words=()) == own:
        return exam.passages, rows
    return exam.passages.shown(rows, shown), None
