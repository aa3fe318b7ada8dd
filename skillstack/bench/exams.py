"""The test rows of a sequence, asked of a learner: all at the end, the first of each class on the way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skillstack.errors import MismatchError
from skillstack.evaluation.questions import SEED, test_rows
from skillstack.evaluation.scores import Mask, accuracy
from skillstack.frames import canonical
from skillstack.frames.digests import sha256
from skillstack.models.slot import Slot
from skillstack.models.split import SplitModel
from skillstack.tasks.rendering import rendering
from skillstack.tasks.sampling import sample
from skillstack.tasks.sources import TaskData
from skillstack.tasks.task import Example, Task
from skillstack.training.data import labels_of, rows_of
from skillstack.training.methods.ledger import Ledger
from skillstack.training.methods.lessons import Passages
from skillstack.training.methods.method import Learner

#: Test rows of each class that are asked after every task. They are the first of those that are asked at the
#: end.
ON_THE_WAY = 16
Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Exam:
    """The test rows of one task.

    :ivar task: the task.
    :ivar passages: the rows as the base reads them.
    :ivar labels: ``[rows]``.
    :ivar first: numbers of the rows that are asked on the way.
    :ivar digest: SHA-256 over rows and labels, in order.
    """

    task: Task
    passages: Passages
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


def exam(slot: Slot, split: SplitModel, data: TaskData, per_class: int | None, max_length: int) -> Exam:
    """The exam of a task.

    :param per_class: rows of each class at most; None for all.
    :raises InputError: if the task has no test rows.
    """
    chosen = test_rows(data, per_class)
    shown = rendering(data.task, slot.base.kind, max_length)
    return Exam(
        task=data.task,
        passages=Passages(slot, split, Ledger(), rows_of(chosen), shown),
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

    def __init__(self, exams: Sequence[Exam]) -> None:
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
