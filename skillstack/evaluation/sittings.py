"""Who is asked what: a stack's skills, the test rows of each, and where the router sends them."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from skillstack.answers import Frame, Routed
from skillstack.errors import InputError, SkillStackError, UsageError, did_you_mean
from skillstack.evaluation.predictions import PredictionRequest
from skillstack.evaluation.questions import PER_CLASS, Questions, ask, published
from skillstack.store.records import FrameRecord, Skill
from skillstack.store.rows import Row

if TYPE_CHECKING:
    from skillstack.predictor import Predictor


@dataclass(frozen=True)
class EvaluatedStack:
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
    load: Callable[[], Predictor]
    precision: str
    derived: Path
    router: str = "hybrid_chain"

    @property
    def tip(self) -> Frame:
        """Its newest frame."""
        return self.frames[-1]


@dataclass(frozen=True)
class EvaluationConfig:
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

    @classmethod
    def of(
        cls,
        per_class: int | None,
        data_dir: str | Path | None,
        tables: Mapping[str, str | Path] | None,
        only: Sequence[str],
        *,
        matrix: bool = False,
    ) -> EvaluationConfig:
        """An exam with paths as people write them.

        :raises UsageError: if it has no rows.
        """
        if per_class is not None and per_class < 1:
            raise UsageError(f"{per_class} rows a class are none.", "Give at least 1, or all.")
        return cls(
            per_class=per_class,
            data_dir=Path(data_dir) if data_dir is not None else None,
            tables={name: Path(path) for name, path in (tables or {}).items()},
            only=tuple(only),
            matrix=matrix,
        )


@dataclass(frozen=True)
class SkillQuestions:
    """A skill, its place, and what it is asked.

    :ivar frame: the frame that has the skill.
    :ivar skill: the skill.
    :ivar questions: its rows and their labels.
    :ivar routes: of each row, which skill the router picks.
    """

    frame: Frame
    skill: Skill
    questions: Questions
    routes: Sequence[Routed]

    @property
    def rows(self) -> tuple[Row, ...]:
        """The texts."""
        return self.questions.rows

    @property
    def labels(self) -> NDArray[np.int64]:
        """The right label of each row, an index into the skill's labels, ``[rows]``."""
        return np.array(self.questions.labels, dtype=np.int64)

    @property
    def choices(self) -> tuple[str | None, ...]:
        """Of each row the name of the skill that the router picks; None for a rejected row."""
        return tuple(route.skill for route in self.routes)

    def asked(self, adapter: FrameRecord | None = None) -> PredictionRequest:
        """The skill, with its own adapter or another one."""
        return PredictionRequest(self.frame.content, self.skill, adapter)

    def take(self, places: Sequence[int]) -> SkillQuestions:
        """The same with these of its rows, in this order."""
        questions = dataclasses.replace(
            self.questions,
            rows=tuple(self.questions.rows[place] for place in places),
            labels=tuple(self.questions.labels[place] for place in places),
        )
        return dataclasses.replace(self, questions=questions, routes=[self.routes[place] for place in places])


@dataclass(frozen=True)
class StackQuestions:
    """Every skill that can be asked, oldest first.

    :ivar each: one per skill.
    :ivar skipped: by skill, why it cannot be asked; no path of this machine is in it.
    """

    each: tuple[SkillQuestions, ...]
    skipped: Mapping[str, str]


def sit(subject: EvaluatedStack, exam: EvaluationConfig) -> StackQuestions:
    """Read the test rows of each skill, and route them.

    :raises UsageError: if the stack is empty, has two skills of one name, or not what ``only`` names.
    :raises InputError: if no task has test rows; where a task was named, if it has none or they have labels
        that its skill does not know.
    """
    asked, skipped = _questions(_skills(subject, exam), exam)
    routes = subject.route([row for _, _, found in asked for row in found.rows])
    sittings, place = [], 0
    for frame, skill, found in asked:
        sittings.append(SkillQuestions(frame, skill, found, routes[place : place + len(found.rows)]))
        place += len(found.rows)
    return StackQuestions(tuple(sittings), skipped)


def _skills(subject: EvaluatedStack, exam: EvaluationConfig) -> list[tuple[Frame, Skill]]:
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
    skills: Sequence[tuple[Frame, Skill]], exam: EvaluationConfig
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
            skipped[skill.name] = published(error.message, exam.data_dir)
            first = first or error
        else:
            found.append((frame, skill, questions))
    if not found and first is not None:
        raise InputError(f"No task of the stack has test rows here. {first.message}", first.hint)
    return found, skipped
