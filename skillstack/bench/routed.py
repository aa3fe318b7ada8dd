"""What a stack answers when nobody says which task a text belongs to."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from skillstack.bench.exams import Exam
from skillstack.evaluation.scores import Mask
from skillstack.frames.records import Rendering
from skillstack.routers.registry import DEFAULT
from skillstack.stack_router import StackRouter
from skillstack.training.methods.frames import Frames
from skillstack.training.methods.lessons import Lesson, Passages


def routed(
    frames: Frames, lessons: Sequence[Lesson], exams: Sequence[Exam], right: Sequence[Mask]
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


def _right(frames: Frames, lesson: Lesson, exam: Exam, rows: Sequence[int]) -> Mask:
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


def _passages(shown: Rendering, exam: Exam, rows: Sequence[int]) -> tuple[Passages, Sequence[int] | None]:
    """The rows as another task shows them; what is kept is used where that makes no difference."""
    own = dataclasses.replace(exam.passages.rendering, label_words=())
    if dataclasses.replace(shown, label_words=()) == own:
        return exam.passages, rows
    return exam.passages.shown(rows, shown), None
