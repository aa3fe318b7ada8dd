"""Evaluating a stack on its tasks' test rows: who answers, who is right, and what would do instead."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from skillstack.answers import Frame, Routed
from skillstack.errors import InputError, SkillStackError, UsageError, did_you_mean
from skillstack.evaluation import regret as regrets
from skillstack.evaluation.bootstrap import difference_interval, mean_interval
from skillstack.evaluation.calibration import Calibration, calibration
from skillstack.evaluation.forgetting import forgetting
from skillstack.evaluation.frozen import frozen_rival
from skillstack.evaluation.intervals import wilson
from skillstack.evaluation.paired import Paired, paired
from skillstack.evaluation.predictions import Asked, Predictions
from skillstack.evaluation.questions import PER_CLASS, Questions, ask
from skillstack.evaluation.result import (
    MODES,
    Answers,
    Effort,
    Evaluation,
    Mask,
    Matrix,
    RegretScore,
    RouterScore,
    Score,
    TaskEvaluation,
    TaskRouting,
)
from skillstack.evaluation.scores import macro, macro_f1
from skillstack.frames import canonical
from skillstack.frames.digests import sha256
from skillstack.frames.records import Content, Count, Skill
from skillstack.frames.rows import Row

if TYPE_CHECKING:
    from skillstack.loaded import LoadedStack

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]
#: Pairs of modes that are compared on the same texts.
COMPARED = (
    ("task_aware", "routed"),
    ("routed", "latest_adapter"),
    ("routed", "frozen_linear"),
    ("task_aware", "frozen_linear"),
    ("task_aware", "latest_adapter"),
)


@dataclass(frozen=True)
class Subject:
    """A stack that is evaluated.

    :ivar name: its name.
    :ivar frames: oldest first.
    :ivar route: says which skill answers each row.
    :ivar load: loads the base; not called where every answer is known.
    :ivar precision: at which it holds it.
    :ivar derived: folder of derived files.
    :ivar router: name of the router.
    """

    name: str
    frames: tuple[Frame, ...]
    route: Callable[[list[Row]], Sequence[Routed]]
    load: Callable[[], LoadedStack]
    precision: str
    derived: Path
    router: str = "hybrid_chain"


@dataclass(frozen=True)
class Exam:
    """What is asked.

    :ivar per_class: test rows of each class at most; None for all.
    :ivar data_dir: holds a folder with the rows of each task.
    :ivar tables: by skill, a table of labelled rows instead of the task's.
    :ivar only: tasks or skills; empty for all of the stack.
    :ivar matrix: whether every frame is asked about every task.
    """

    per_class: int | None = PER_CLASS
    data_dir: Path | None = None
    tables: Mapping[str, Path] = field(default_factory=dict)
    only: tuple[str, ...] = ()
    matrix: bool = False


@dataclass(frozen=True)
class _Sitting:
    """A skill, its place, and what it is asked."""

    frame: Frame
    skill: Skill
    questions: Questions
    routes: Sequence[Routed]

    @property
    def rows(self) -> tuple[Row, ...]:
        return self.questions.rows

    @property
    def labels(self) -> Integers:
        return np.array(self.questions.labels, dtype=np.int64)

    def asked(self, adapter: Content | None = None) -> Asked:
        return Asked(self.frame.content, self.skill, adapter)


def evaluate(
    subject: Subject, exam: Exam, tell: Callable[[int, int], None] = lambda done, of: None
) -> Evaluation:
    """Ask every skill its task's test rows in every mode.

    A text passes through the model once for each adapter that is asked about it (its own, the newest, the
    routed one where that is another) and once through the base alone; what was asked before is not asked
    again. An evaluation that is stopped keeps the answers that it has.

    :param tell: called with answers given by the model and answers that it has to give.
    :raises UsageError: if the stack is empty, has two skills of one name, or not what ``only`` names.
    :raises InputError: if no task has test rows, or they have labels that their skill does not know.
    :raises MismatchError: if a frame answers with numbers that are not finite; it is named.
    """
    began = time.monotonic()
    skills = _skills(subject, exam)
    asked, skipped = _questions(skills, exam)
    routes = subject.route([row for _, _, found in asked for row in found.rows])
    sittings, place = [], 0
    for frame, skill, found in asked:
        sittings.append(_Sitting(frame, skill, found, routes[place : place + len(found.rows)]))
        place += len(found.rows)
    wanted = _Wanted(subject, sittings, matrix=exam.matrix)
    total = wanted.count
    predictions = Predictions(subject.derived, subject.load, subject.precision, lambda n: tell(n, total))
    logits = wanted.ask(predictions)
    tasks = tuple(_task(wanted, sitting, logits) for sitting in sittings)
    modes = {mode: _score(tasks, mode) for mode in MODES if all(mode in task.answers for task in tasks)}
    return Evaluation(
        stack=subject.name,
        tip=subject.frames[-1].id,
        base=subject.frames[-1].content.base.name,
        precision=subject.precision,
        router=subject.router,
        per_class=exam.per_class,
        tasks=tasks,
        skipped=skipped,
        modes=modes,
        differences={pair: _difference(tasks, *pair) for pair in COMPARED if set(pair) <= set(modes)},
        regret=_regret(tasks),
        routing=_routing(subject, sittings, tasks),
        forgetting=forgetting(
            [task.answers["task_aware"].count.accuracy for task in tasks],
            [task.answers["latest_adapter"].count.accuracy for task in tasks],
        ),
        sequential=_sequential(subject.frames),
        calibration=_calibration(sittings, tasks, logits),
        matrix=_matrix(subject, sittings, logits) if exam.matrix else None,
        effort=Effort(total, predictions.asked, round(time.monotonic() - began, 2)),
    )


def _skills(subject: Subject, exam: Exam) -> list[tuple[Frame, Skill]]:
    found = [(frame, skill) for frame in subject.frames for skill in frame.skills]
    if not found:
        raise UsageError(f"The stack {subject.name!r} has no frames.", "Train something first.")
    names = Counter(skill.name for _, skill in found)
    twice = [name for name, count in names.items() if count > 1]
    if twice:
        raise UsageError(
            f"The stack {subject.name!r} has two skills called {twice[0]!r}.",
            "Which of them a text belongs to cannot be told; rename one, or undo.",
        )
    known = {name for _, skill in found for name in (skill.name, skill.task)}
    for name in (*exam.only, *exam.tables):
        if name not in known:
            raise UsageError(f"The stack {subject.name!r} has no {name[:80]!r}.", did_you_mean(name, known))
    only = set(exam.only)
    return [(frame, skill) for frame, skill in found if not only or only & {skill.name, skill.task}]


def _questions(
    skills: Sequence[tuple[Frame, Skill]], exam: Exam
) -> tuple[list[tuple[Frame, Skill, Questions]], dict[str, str]]:
    """What each skill is asked, and of those that cannot be asked, why."""
    found, skipped = [], {}
    first: SkillStackError | None = None
    for frame, skill in skills:
        table = exam.tables.get(skill.name) or exam.tables.get(skill.task)
        try:
            questions = ask(skill, data_dir=exam.data_dir, table=table, per_class=exam.per_class)
        except SkillStackError as error:
            # What was named by hand has to be there; of a whole stack the rest can be evaluated.
            if table is not None or exam.only:
                raise
            skipped[skill.task] = error.message
            first = first or error
        else:
            found.append((frame, skill, questions))
    if not found and first is not None:
        raise InputError(f"No task of the stack has test rows here. {first.message}", first.hint)
    return found, skipped


class _Wanted:
    """All answers that an evaluation needs, asked in one call, and found again by what they are for."""

    def __init__(self, subject: Subject, sittings: Sequence[_Sitting], *, matrix: bool) -> None:
        self.frames = {skill.name: (frame, skill) for frame in subject.frames for skill in frame.skills}
        tip = subject.frames[-1].content
        self._parts: list[tuple[tuple[str, ...], Asked, list[Row]]] = []
        for sitting in sittings:
            name, rows = sitting.skill.name, list(sitting.rows)
            self._parts.append(((name, "own"), sitting.asked(), rows))
            self._parts.append(((name, "tip"), sitting.asked(tip), rows))
            data = sitting.questions.data
            if data is not None and "samples_per_class" in sitting.frame.content.recipe:
                content = sitting.frame.content
                rival = frozen_rival(subject.derived, subject.load, content, sitting.skill, data)
                self._parts.append(((name, "frozen"), Asked(content, sitting.skill, rival=rival), rows))
            for other in strays(sitting):
                frame, skill = self.frames[other]
                some = [sitting.rows[place] for place in _going_to(sitting, other)]
                self._parts.append(((name, "routed", other), Asked(frame.content, skill), some))
            if matrix:
                self._parts += self._matrix(subject, sitting)

    def _matrix(self, subject: Subject, sitting: _Sitting) -> list[tuple[tuple[str, ...], Asked, list[Row]]]:
        rows, name = list(sitting.rows), sitting.skill.name
        found: list[tuple[tuple[str, ...], Asked, list[Row]]] = []
        for frame in subject.frames:
            found.append(((name, "adapter", frame.id), sitting.asked(frame.content), rows))
            alike = like(frame, sitting.skill)
            if alike is not None:
                found.append(((name, "frame", frame.id), Asked(frame.content, alike), rows))
        return found

    @property
    def count(self) -> int:
        """Answers in all."""
        return sum(len(rows) for _, _, rows in self._parts)

    def ask(self, predictions: Predictions) -> dict[tuple[str, ...], Floats]:
        """Logits ``[rows, labels]`` of each part."""
        found = predictions.ask([(asked, rows) for _, asked, rows in self._parts])
        return {key: logits for (key, _, _), logits in zip(self._parts, found, strict=True)}


def strays(sitting: _Sitting) -> list[str]:
    """Other skills to which rows of a sitting are routed."""
    return sorted({r.skill for r in sitting.routes if r.skill not in (None, sitting.skill.name)})


def like(frame: Frame, skill: Skill) -> Skill | None:
    """A frame's skill with the same labels as another one, if it has one."""
    return next((one for one in frame.skills if set(one.labels) == set(skill.labels)), None)


def _going_to(sitting: _Sitting, skill: str) -> list[int]:
    return [place for place, route in enumerate(sitting.routes) if route.skill == skill]


def _task(wanted: _Wanted, sitting: _Sitting, logits: Mapping[tuple[str, ...], Floats]) -> TaskEvaluation:
    name, skill = sitting.skill.name, sitting.skill
    own = logits[name, "own"].argmax(axis=1)
    routed = np.where([route.skill == name for route in sitting.routes], own, -1)
    places = {label: place for place, label in enumerate(skill.labels)}
    for other in strays(sitting):
        theirs = wanted.frames[other][1]
        mapped = np.array([places.get(label, -1) for label in theirs.labels])
        routed[_going_to(sitting, other)] = mapped[logits[name, "routed", other].argmax(axis=1)]
    answers = {"task_aware": own, "routed": routed, "latest_adapter": logits[name, "tip"].argmax(axis=1)}
    if (name, "frozen") in logits:
        answers["frozen_linear"] = logits[name, "frozen"].argmax(axis=1)
    if sitting.questions.data is not None:
        answers["majority_class"] = np.full(len(own), _majority(sitting))
    found = {mode: _answers(sitting, values) for mode, values in answers.items()}
    home = np.array([route.skill == name for route in sitting.routes], dtype=bool)
    return TaskEvaluation(
        task=skill.task,
        skill=name,
        frame=sitting.frame.name,
        family=skill.family,
        labels=skill.labels,
        texts=sha256(
            canonical.dumps(
                [
                    [row.digest(), label]
                    for row, label in zip(sitting.rows, sitting.questions.labels, strict=True)
                ]
            )
        ),
        answers=found,
        routing=TaskRouting(
            task=Count(int(home.sum()), len(home)),
            family=Count(sum(route.family == skill.family for route in sitting.routes), len(home)),
            fallback=sum(route.fallback for route in sitting.routes),
            depth=float(np.mean([route.depth for route in sitting.routes])),
            taken=dict(sorted(Counter(route.task or "" for route in sitting.routes).items())),
        ),
        regret=regrets.regret(found["task_aware"].right, found["routed"].right, home),
        fewer=sitting.questions.fewer,
        other_rows=sitting.questions.other_rows,
    )


def _answers(sitting: _Sitting, values: Integers) -> Answers:
    labels = sitting.labels
    right: Mask = values == labels
    return Answers(
        right=right,
        interval=wilson(Count(int(right.sum()), len(right))),
        macro_f1=macro_f1(labels, values, len(sitting.skill.labels)),
    )


def _majority(sitting: _Sitting) -> int:
    """The most frequent label of the training rows; of equals the first one."""
    data = sitting.questions.data
    assert data is not None
    counts = Counter(data.task.labels[example.label] for example in data.train)
    return min(range(len(sitting.skill.labels)), key=lambda i: (-counts[sitting.skill.labels[i]], i))


def _score(tasks: Sequence[TaskEvaluation], mode: str) -> Score:
    answers = [task.answers[mode] for task in tasks]
    return Score(
        accuracy=macro([one.count.accuracy for one in answers]),
        interval=mean_interval([one.right for one in answers]),
        macro_f1=macro([one.macro_f1 for one in answers]),
        n=sum(len(one.right) for one in answers),
    )


def _difference(tasks: Sequence[TaskEvaluation], first: str, second: str) -> Paired:
    return paired([(task.answers[first].right, task.answers[second].right) for task in tasks])


def _regret(tasks: Sequence[TaskEvaluation]) -> RegretScore:
    def share(name: str) -> float:
        return macro([getattr(task.regret, name) / task.n for task in tasks])

    pairs = [(task.answers["task_aware"].right, task.answers["routed"].right) for task in tasks]
    return RegretScore(
        difference=macro([task.regret.difference for task in tasks]),
        interval=difference_interval(pairs),
        wrong_skill_wrong_answer=share("wrong_skill_wrong_answer"),
        wrong_skill_right_answer=share("wrong_skill_right_answer"),
        right_skill_wrong_answer=share("right_skill_wrong_answer"),
        right_skill_right_answer=share("right_skill_right_answer"),
    )


def _routing(subject: Subject, sittings: Sequence[_Sitting], tasks: Sequence[TaskEvaluation]) -> RouterScore:
    routes = [route for sitting in sittings for route in sitting.routes]
    home = [route.skill == sitting.skill.name for sitting in sittings for route in sitting.routes]
    task = Count(sum(one.routing.task.correct for one in tasks), len(routes))
    family = Count(sum(one.routing.family.correct for one in tasks), len(routes))
    names = [skill.task for frame in subject.frames for skill in frame.skills]
    if any(route.task is None for route in routes):
        names.append("")
    return RouterScore(
        task=task,
        task_interval=wilson(task),
        family=family,
        family_interval=wilson(family),
        fallback=float(np.mean([route.fallback for route in routes])),
        depth=float(np.mean([route.depth for route in routes])),
        tasks=tuple(names),
        confusion=tuple(tuple(one.routing.taken.get(name, 0) for name in names) for one in tasks),
        calibration=calibration(np.array([route.confidence for route in routes]), np.array(home, dtype=bool)),
    )


def _calibration(
    sittings: Sequence[_Sitting], tasks: Sequence[TaskEvaluation], logits: Mapping[tuple[str, ...], Floats]
) -> Calibration:
    sure = [_sureness(logits[sitting.skill.name, "own"]) for sitting in sittings]
    return calibration(
        np.concatenate(sure), np.concatenate([task.answers["task_aware"].right for task in tasks])
    )


def _sureness(logits: Floats) -> NDArray[np.float64]:
    """Probability ``[rows]`` of the likeliest label."""
    exponents = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    found: NDArray[np.float64] = exponents.max(axis=1) / exponents.sum(axis=1)
    return found


def _sequential(frames: Sequence[Frame]) -> bool:
    return all(newer.content.init_from == older.content_id for older, newer in pairwise(frames))


def _matrix(
    subject: Subject, sittings: Sequence[_Sitting], logits: Mapping[tuple[str, ...], Floats]
) -> Matrix:
    def own_head(frame: Frame, sitting: _Sitting) -> float:
        found = logits[sitting.skill.name, "adapter", frame.id]
        return float((found.argmax(axis=1) == sitting.labels).mean())

    def frame_head(frame: Frame, sitting: _Sitting) -> float | None:
        alike = like(frame, sitting.skill)
        if alike is None:
            return None
        found = logits[sitting.skill.name, "frame", frame.id].argmax(axis=1)
        places = np.array([sitting.skill.labels.index(label) for label in alike.labels])
        return float((places[found] == sitting.labels).mean())

    frames = subject.frames
    return Matrix(
        frames=tuple(frame.name for frame in frames),
        families=tuple(frame.skills[0].family for frame in frames),
        tasks=tuple(sitting.skill.task for sitting in sittings),
        own_head=tuple(tuple(own_head(frame, sitting) for sitting in sittings) for frame in frames),
        frame_head=tuple(tuple(frame_head(frame, sitting) for sitting in sittings) for frame in frames),
    )
