"""A learner taken through a sequence of tasks, and examined."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from skillstack.continual.cell import HyperparameterTrial, TaskResult
from skillstack.continual.cost import CostLedger, Spent
from skillstack.continual.exams import TaskTest, Watch, routed
from skillstack.continual.files import Results
from skillstack.continual.lessons import SequenceTask
from skillstack.continual.method import Learner, Method, MethodContext
from skillstack.continual.methods.exact_ridge import ExactRidge
from skillstack.continual.methods.frames import Frames, SkillStack
from skillstack.evaluation.metrics import Mask, accuracy, macro, macro_f1


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
    terms: MethodContext,
    lessons: Sequence[SequenceTask],
    exams: Sequence[TaskTest],
    ledger: CostLedger,
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


def dev_accuracy(learner: Learner, lessons: Sequence[SequenceTask]) -> float:
    """Mean over tasks of the dev accuracy of what a learner is now; what choices are made on."""
    return macro(
        [
            accuracy(learner.logits(lesson.number, lesson.dev).argmax(axis=1) == np.array(lesson.dev_labels))
            for lesson in lessons
        ]
    )


def examine(
    learner: Learner, lessons: Sequence[SequenceTask], exams: Sequence[TaskTest]
) -> tuple[TaskResult, ...]:
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


def _unaided(learner: ExactRidge, exams: Sequence[TaskTest]) -> list[Mask]:
    """Whether the best of all classes has the right label's name."""
    names = [label for exam in exams for label in exam.task.labels]
    found = []
    for exam in exams:
        answers = learner.logits_of_all(exam.passages).argmax(axis=1)
        wanted = [exam.task.labels[label] for label in exam.labels]
        found.append(np.array([names[a] == w for a, w in zip(answers, wanted, strict=True)], dtype=np.bool_))
    return found


@dataclass(frozen=True, eq=False)
class HyperparameterChoice:
    """What was chosen.

    :ivar settings: a value for each hyper-parameter.
    :ivar tried: everything that was tried.
    :ivar chosen_with: the order and the seed of the trials.
    :ivar taught: the learner of the chosen settings, if it was trained just now with these.
    """

    settings: Mapping[str, float]
    tried: tuple[HyperparameterTrial, ...] = ()
    chosen_with: Mapping[str, Any] | None = None
    taught: Taught | None = None


def choose(
    method: Method,
    results: Results,
    digest: str,
    where: Mapping[str, Any],
    teach: Callable[[Mapping[str, float]], tuple[Taught, float]],
    told: Callable[[Mapping[str, float], Taught, float], None] = lambda settings, taught, dev: None,
) -> HyperparameterChoice:
    """Try one hyper-parameter after the other; of equals the first stays.

    Each trial is kept when it is done, so that an interrupted choice goes on. One that another order or seed
    left unfinished is made anew: its trials cannot be held against those of here.

    :param digest: of the configuration that the choice holds for.
    :param where: order and seed of the trials, if there are none yet.
    :param teach: trains with settings, and says the mean dev accuracy at the end.
    :param told: hears of each trial when it is kept.
    """
    if not method.grid:
        return HyperparameterChoice({})
    tried, found_with = results.choice(method.name, digest)
    if found_with is not None and dict(found_with) != dict(where):
        settings = _best(method, {_key(one.settings): one.dev for one in tried})
        if settings is not None:
            return HyperparameterChoice(settings, tried, found_with)
        tried = ()
    kept: tuple[Mapping[str, float], Taught] | None = None
    scores = {_key(one.settings): one.dev for one in tried}
    best = method.defaults
    for name in method.grid:
        for settings in _along(method, best, name):
            if _key(settings) not in scores:
                taught, dev = teach(settings)
                tried = (*tried, HyperparameterTrial(dict(settings), dev))
                results.put_choice(method.name, digest, tried, where)
                if not scores or dev > max(scores.values()):
                    kept = settings, taught
                scores[_key(settings)] = dev
                told(settings, taught, dev)
        best = max(_along(method, best, name), key=lambda settings: scores[_key(settings)])
    return HyperparameterChoice(best, tried, where, kept[1] if kept is not None and kept[0] == best else None)


def _best(method: Method, scores: Mapping[tuple[tuple[str, float], ...], float]) -> dict[str, float] | None:
    """The settings that the trials say are best; None where some are missing."""
    best = method.defaults
    for name in method.grid:
        ways = list(_along(method, best, name))
        if any(_key(settings) not in scores for settings in ways):
            return None
        best = max(ways, key=lambda settings: scores[_key(settings)])
    return best


def _along(method: Method, settings: Mapping[str, float], name: str) -> Iterator[dict[str, float]]:
    """The settings with each value of one hyper-parameter, in the grid's order."""
    for value in method.grid[name]:
        yield {**settings, name: value}


def _key(settings: Mapping[str, float]) -> tuple[tuple[str, float], ...]:
    return tuple(sorted(settings.items()))
