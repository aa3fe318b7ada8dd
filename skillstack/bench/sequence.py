"""A learner taken through a sequence of tasks, and examined."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from skillstack.bench.cell import TaskResult
from skillstack.bench.exams import Exam, Watch
from skillstack.bench.routed import routed
from skillstack.evaluation.scores import Mask, accuracy, macro, macro_f1
from skillstack.training.methods.exact_ridge import ExactRidge
from skillstack.training.methods.frames import Frames
from skillstack.training.methods.ledger import Ledger, Spent
from skillstack.training.methods.lessons import Lesson
from skillstack.training.methods.method import Learner, Method, Terms
from skillstack.training.methods.skillstack import SkillStack


@dataclass(frozen=True, eq=False)
class Taught:
    """A learner that has learned every task.

    :ivar learner: it.
    :ivar trajectory: accuracies after each task but the last; empty for a method that answers nothing before
        the end.
    :ivar spent: what learning took, with what it found ready.
    """

    learner: Learner
    trajectory: tuple[tuple[float, ...], ...]
    spent: Spent

    @property
    def resumed(self) -> bool:
        """Whether a part of it was trained by an earlier process."""
        return isinstance(self.learner, Frames) and self.learner.resumed


def teach(
    method: Method,
    terms: Terms,
    lessons: Sequence[Lesson],
    exams: Sequence[Exam],
    ledger: Ledger,
    tell: Callable[[int], None] = lambda learned: None,
) -> Taught:
    """Have a method learn all lessons, one after the other.

    :param tell: called with the number of tasks learned.
    :raises SkillStackError: one of its kinds, if the method cannot.
    """
    ledger.start()
    learner, watch, spent = method.make(terms), Watch(exams), Spent()
    trajectory = []
    for lesson in lessons:
        before, saved = Spent.now(), ledger.saved
        learner.learn(lesson)
        spent = spent + (Spent.now() - before) + (ledger.saved - saved)
        if not method.late and lesson.number + 1 < len(lessons):
            trajectory.append(watch.look(learner, lesson.number + 1))
        tell(lesson.number + 1)
    return Taught(learner, tuple(trajectory), spent)


def dev_accuracy(learner: Learner, lessons: Sequence[Lesson]) -> float:
    """Mean over tasks of the dev accuracy of what a learner is now; what choices are made on."""
    return macro(
        [
            accuracy(learner.logits(lesson.number, lesson.dev).argmax(axis=1) == np.array(lesson.dev_labels))
            for lesson in lessons
        ]
    )


def examine(learner: Learner, lessons: Sequence[Lesson], exams: Sequence[Exam]) -> tuple[TaskResult, ...]:
    """Ask all test rows.

    :raises MismatchError: if a logit is not finite.
    """
    answers = [exam.answers(learner, number) for number, exam in enumerate(exams)]
    right: list[Mask] = [given == exam.labels for given, exam in zip(answers, exams, strict=True)]
    served: list[tuple[Mask | None, Mask | None]] = [(None, None)] * len(exams)
    if isinstance(learner, SkillStack):
        served = [*routed(learner, lessons, exams, right)]
    unaided: list[Mask | None] = [None] * len(exams)
    if isinstance(learner, ExactRidge):
        unaided = [*_unaided(learner, exams)]
    return tuple(
        TaskResult(
            task=exam.task.name,
            rows=exam.digest,
            right=own,
            macro_f1=macro_f1(exam.labels, given, len(exam.task.labels)),
            routed=by_router[0],
            at_home=by_router[1],
            unaided=alone,
        )
        for exam, own, given, by_router, alone in zip(exams, right, answers, served, unaided, strict=True)
    )


def _unaided(learner: ExactRidge, exams: Sequence[Exam]) -> list[Mask]:
    """Whether the best of all classes has the right label's name."""
    names = [label for exam in exams for label in exam.task.labels]
    found = []
    for exam in exams:
        answers = learner.logits_of_all(exam.passages).argmax(axis=1)
        wanted = [exam.task.labels[label] for label in exam.labels]
        found.append(np.array([names[a] == w for a, w in zip(answers, wanted, strict=True)], dtype=np.bool_))
    return found
