"""A learner taken through a sequence of tasks: it learns, is tested on the way and at the end, is chosen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skillstack.continual.cell import HyperparameterTrial, TaskResult
from skillstack.continual.files import Results
from skillstack.continual.method import Learner, Method, MethodContext
from skillstack.continual.methods.exact_ridge import ExactRidge
from skillstack.continual.methods.frames import Frames, SkillStack
from skillstack.continual.tasks import CostLedger, SequenceTask, Spent
from skillstack.data.splits import sample
from skillstack.data.task import Example, Task, TaskData, rendering
from skillstack.errors import MismatchError
from skillstack.evaluation.metrics import Mask, accuracy, macro, macro_f1
from skillstack.evaluation.questions import SEED, test_rows
from skillstack.models.split import SplitModel
from skillstack.routers.registry import DEFAULT
from skillstack.routers.stack_router import StackRouter
from skillstack.store import canonical
from skillstack.store.canonical import sha256
from skillstack.store.records import Rendering
from skillstack.store.rows import Row
from skillstack.training.data import labels_of, rows_of
from skillstack.training.encoded import EncodedDataset

#: Test rows of each class that are asked after every task. They are the first of those that are asked at the
#: end.
ON_THE_WAY = 16
Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class TaskTest:
    """The test rows of one task.

    :ivar rendering: how they are shown to the base.
    :ivar encoded: the rows as the base reads them.
    :ivar labels: ``[rows]``.
    :ivar first: numbers of the rows that are asked on the way.
    :ivar digest: SHA-256 over rows and labels, in order.
    """

    task: Task
    rows: tuple[Row, ...]
    rendering: Rendering
    encoded: EncodedDataset
    labels: Integers
    first: tuple[int, ...]
    digest: str

    def answers(self, learner: Learner, number: int, rows: Sequence[int] | None = None) -> Integers:
        """Labels that a learner gives, with the task given.

        :param number: the task's place in the learner's sequence.
        :raises MismatchError: if a logit is not finite.
        """
        logits = learner.logits(number, self.encoded, rows)
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


def task_test(split: SplitModel, data: TaskData, per_class: int | None, max_length: int) -> TaskTest:
    """The test rows of a task.

    :param per_class: rows of each class at most; None for all.
    :raises InputError: if the task has no test rows.
    """
    chosen = test_rows(data, per_class)
    shown = rendering(data.task, split.base.kind, max_length)
    places = {example: place for place, example in enumerate(chosen)}
    first = sample(chosen, ON_THE_WAY, SEED, data.task.name)
    return TaskTest(
        task=data.task,
        rows=tuple(rows_of(chosen)),
        rendering=shown,
        encoded=EncodedDataset.of(split, chosen, shown),
        labels=np.array(labels_of(chosen), dtype=np.int64),
        first=tuple(sorted(places[example] for example in first)),
        digest=rows_digest(chosen),
    )


def rows_digest(chosen: Sequence[Example]) -> str:
    """SHA-256 over rows and labels, in order."""
    return sha256(canonical.dumps([[one.row.digest(), one.label] for one in chosen]))


class Watch:
    """Follows the accuracy of every task learned so far, asking only what may have changed.

    :param tests: in the order of the tasks.
    """

    def __init__(self, tests: Sequence[TaskTest]) -> None:
        self._tests = tests
        self._known: dict[int, tuple[int, float]] = {}

    def accuracies(self, learner: Learner, learned: int) -> tuple[float, ...]:
        """Accuracy of each task learned so far on its first rows.

        :param learned: how many there are.
        """
        return tuple(self._accuracy(learner, number) for number in range(learned))

    def _accuracy(self, learner: Learner, number: int) -> float:
        version = learner.version(number)
        known = self._known.get(number)
        if known is None or known[0] != version:
            test, rows = self._tests[number], list(self._tests[number].first)
            right = test.answers(learner, number, rows) == test.labels[rows]
            known = self._known[number] = version, accuracy(right)
        return known[1]


def routed(
    frames: Frames, tasks: Sequence[SequenceTask], tests: Sequence[TaskTest], right: Sequence[Mask]
) -> list[tuple[Mask, Mask]]:
    """Of each task's rows, which the picked skill answers rightly, and of which it is the own one.

    An answer is right when its label has the right name, whoever gives it.

    :param right: of each task, whether its own skill is right.
    """
    router = StackRouter(frames.place.store, frames.place.stack)
    places = {task.data.task.name: task.number for task in tasks}
    rows = [row for test in tests for row in test.rows]
    routes = iter(router.route(frames.chain(), rows, router=DEFAULT))
    found = []
    for number, (test, own) in enumerate(zip(tests, right, strict=True)):
        picked = [places.get(str(next(routes).skill), -1) for _ in test.rows]
        served = own.copy()
        for other in sorted(set(picked) - {number}):
            strays = [row for row, place in enumerate(picked) if place == other]
            served[strays] = False if other < 0 else _right(frames, tasks[other], test, strays)
        found.append((served, np.array([place == number for place in picked], dtype=np.bool_)))
    return found


def _right(frames: Frames, task: SequenceTask, test: TaskTest, rows: Sequence[int]) -> Mask:
    """Whether another task's frame gives the right label's name for these rows."""
    shown, wanted = test.encoded, list(rows)
    # What is kept serves where the other task's own way of showing rows makes no difference.
    if replace(task.rendering, label_words=()) != replace(test.rendering, label_words=()):
        chosen = [Example(test.rows[row], int(test.labels[row])) for row in rows]
        shown = EncodedDataset.of(test.encoded.cache.split, chosen, task.rendering)
        wanted = [*range(len(rows))]
    answers = frames.logits(task.number, shown, wanted).argmax(axis=1)
    names = task.data.task.labels
    return np.array(
        [
            names[answer] == test.task.labels[test.labels[row]]
            for answer, row in zip(answers, rows, strict=True)
        ],
        dtype=np.bool_,
    )


@dataclass(frozen=True, eq=False)
class Taught:
    """A learner that has learned every task.

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
    context: MethodContext,
    tasks: Sequence[SequenceTask],
    tests: Sequence[TaskTest],
    ledger: CostLedger,
    tell: Callable[[int], None] = lambda learned: None,
) -> Taught:
    """Have a method learn all tasks, one after the other.

    :param tell: called with the number of tasks learned.
    :raises SkillStackError: one of its kinds, if the method cannot.
    """
    ledger.start()
    learner, watch, spent = method.make(context), Watch(tests), Spent()
    trajectory = []
    for task in tasks:
        before, saved = Spent.now(), ledger.saved
        learner.learn(task)
        spent = spent + (Spent.now() - before) + (ledger.saved - saved)
        if not method.late and task.number + 1 < len(tasks):
            trajectory.append(watch.accuracies(learner, task.number + 1))
        tell(task.number + 1)
    return Taught(learner, tuple(trajectory), spent)


def dev_accuracy(learner: Learner, tasks: Sequence[SequenceTask]) -> float:
    """Mean over tasks of the dev accuracy of what a learner is now; what choices are made on."""
    return macro(
        [
            accuracy(learner.logits(task.number, task.dev).argmax(axis=1) == np.array(task.dev.labels))
            for task in tasks
        ]
    )


def examine(
    learner: Learner, tasks: Sequence[SequenceTask], tests: Sequence[TaskTest]
) -> tuple[TaskResult, ...]:
    """Ask all test rows.

    :raises MismatchError: if a logit is not finite.
    """
    answers = [test.answers(learner, number) for number, test in enumerate(tests)]
    right: list[Mask] = [given == test.labels for given, test in zip(answers, tests, strict=True)]
    served: list[tuple[Mask | None, Mask | None]] = [(None, None)] * len(tests)
    if isinstance(learner, SkillStack):
        served = [*routed(learner, tasks, tests, right)]
    unaided: list[Mask | None] = [None] * len(tests)
    if isinstance(learner, ExactRidge):
        unaided = [*_unaided(learner, tests)]
    return tuple(
        TaskResult(
            task=test.task.name,
            rows=test.digest,
            right=own,
            macro_f1=macro_f1(test.labels, given, len(test.task.labels)),
            routed=by_router[0],
            at_home=by_router[1],
            unaided=alone,
        )
        for test, own, given, by_router, alone in zip(tests, right, answers, served, unaided, strict=True)
    )


def _unaided(learner: ExactRidge, tests: Sequence[TaskTest]) -> list[Mask]:
    """Whether the best of all classes has the right label's name."""
    names = [label for test in tests for label in test.task.labels]
    found = []
    for test in tests:
        answers = learner.logits_of_all(test.encoded).argmax(axis=1)
        wanted = [test.task.labels[label] for label in test.labels]
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
