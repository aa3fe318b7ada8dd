"""Questions of an evaluation: the test rows of each of a stack's skills, and how they are routed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from skillstack.data.memory import table_of
from skillstack.data.sources import load_task
from skillstack.data.splits import sample
from skillstack.data.table_rows import LearnedRows, columns_in, labelled_rows, unlearned
from skillstack.data.tables import Table
from skillstack.data.task import Example, TaskData
from skillstack.errors import InputError, SkillStackError, UsageError, did_you_mean
from skillstack.evaluation.predictions import PredictionRequest
from skillstack.results import Frame, Route
from skillstack.skills.registry import check_kind
from skillstack.store.records import FrameRecord, Skill
from skillstack.store.rows import Row
from skillstack.wording import published

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from skillstack.predictor import Predictor

#: Seed by which test rows are sampled, whatever the seed of the training.
SEED = 0

#: Test rows per class by default.
PER_CLASS = 64


@dataclass(frozen=True)
class Questions:
    """Labelled rows for one skill.

    :ivar labels: the right label of each, an index into the skill's labels.
    :ivar data: the task's rows, where the source has them; None for a table.
    :ivar fewer: labels that have fewer rows than were asked for, and how many they have.
    :ivar other_rows: whether the task's rows are no longer those that the skill was taught.
    :ivar left_out: rows of the table that the skill learned from; None where there are none.
    """

    skill: str
    rows: tuple[Row, ...]
    labels: tuple[int, ...]
    data: TaskData | None
    fewer: Mapping[str, int]
    other_rows: bool = False
    left_out: LearnedRows | None = None


def test_rows(data: TaskData, per_class: int | None) -> tuple[Example, ...]:
    """Sample a task's test rows: per class those with the lowest hashes, the same on every machine.

    :param per_class: rows of each class at most; None for all.
    :raises InputError: if there are none.
    """
    rows = data.test
    if not rows:
        raise InputError(f"The task {data.task.name!r} has no test rows.", "Give some with --test NAME=FILE.")
    return sample(rows, per_class if per_class is not None else len(rows), SEED, data.task.name)


def ask(
    skill: Skill,
    *,
    data_dir: Path | None = None,
    table: Path | Table | None = None,
    per_class: int | None = PER_CLASS,
    learned: Collection[int] = (),
) -> Questions:
    """Read the test rows of a skill.

    :param data_dir: holds a folder with the rows of each task.
    :param table: labelled rows of a person's own, instead of the task's.
    :param per_class: rows of each class at most; None for all.
    :param learned: keys of the rows that the skill learned from: those of the table are not asked.
    :raises UsageError: if it learned from all rows of the table.
    :raises InputError: if there are no test rows, or they have a label that the skill does not know.
    :raises StoreError: if this version does not know the skill's kind.
    :raises SkillStackError: if they cannot be had.
    """
    check_kind(skill.kind, skill.name)
    if table is not None:
        examples = labelled_rows(table, skill.labels, pair=skill.pair, columns=columns_in(skill.source))
        unseen, left_out = unlearned(examples, learned)
        if not unseen:
            raise UsageError(
                f"{_path(table)}: the skill {skill.name!r} learned from all {len(examples):,} rows.",
                f"Give rows that it has not seen with --test {skill.name}=FILE.",
            )
        chosen = sample(unseen, per_class if per_class is not None else len(unseen), SEED, skill.task)
        return replace(_questions(skill, chosen, None, per_class), left_out=left_out)
    data, places = _known_task(skill, data_dir)
    chosen = tuple(Example(one.row, places[one.label]) for one in test_rows(data, per_class))
    return _questions(skill, chosen, data, per_class)


def _path(table: Path | Table) -> Path:
    return table.path if isinstance(table, Table) else table


def task_rows(
    skill: Skill, *, data_dir: Path | None = None, table: Path | None = None, option: str = "--test"
) -> tuple[tuple[Example, ...], tuple[Example, ...]]:
    """Read the training rows of a skill's task, and its validation rows.

    :param data_dir: holds a folder with the rows of each task.
    :param table: labelled rows of a person's own, instead of the task's.
    :param option: of the command line that names such a table, for hints.
    :raises InputError: if there are none, or they have a label that the skill does not know.
    :raises SkillStackError: if they cannot be had.
    """
    if table is not None:
        return labelled_rows(table, skill.labels, pair=skill.pair, columns=columns_in(skill.source)), ()
    data, places = _known_task(skill, data_dir, option)

    def placed(examples: tuple[Example, ...]) -> tuple[Example, ...]:
        return tuple(Example(one.row, places[one.label]) for one in examples)

    return placed(data.train), placed(data.validation)


def _known_task(skill: Skill, data_dir: Path | None, option: str = "--test") -> tuple[TaskData, list[int]]:
    """A skill's task, and the skill's number for each of the task's labels."""
    try:
        data = load_task(skill.task, data_dir)
    except UsageError:
        raise InputError(
            f"No rows of {skill.task!r} are known.",
            f"Give a table of labelled rows with {option} {skill.name}=FILE.",
        ) from None
    except SkillStackError as error:
        error.hint = f"{error.hint} Or give a table of labelled rows with {option} {skill.name}=FILE."
        raise
    if data.task.pair != skill.pair:
        raise InputError(
            f"The skill {skill.name!r} reads {'two texts' if skill.pair else 'one text'}, and the rows of "
            f"{data.task.name!r} have {'two' if data.task.pair else 'one'}.",
            f"Give rows of its own with {option} {skill.name}=FILE.",
        )
    return data, _places(skill, data)


def _questions(
    skill: Skill, chosen: tuple[Example, ...], data: TaskData | None, per_class: int | None
) -> Questions:
    counts = Counter(example.label for example in chosen)
    wanted = per_class or 1
    return Questions(
        skill=skill.name,
        rows=tuple(example.row for example in chosen),
        labels=tuple(example.label for example in chosen),
        data=data,
        fewer={label: counts[place] for place, label in enumerate(skill.labels) if counts[place] < wanted},
        other_rows=data is not None and data.source.digest != skill.source.get("digest"),
    )


def _places(skill: Skill, data: TaskData) -> list[int]:
    """The skill's number for each of the task's labels."""
    known = {label: place for place, label in enumerate(skill.labels)}
    strange = [label for label in data.task.labels if label not in known]
    if strange:
        raise InputError(
            f"The test rows of {data.task.name!r} have the label {strange[0]!r}, which the skill "
            f"{skill.name!r} does not know.",
            f"It knows {', '.join(map(repr, skill.labels[:6]))}{', ...' if len(skill.labels) > 6 else ''}.",
        )
    return [known[label] for label in data.task.labels]


@dataclass(frozen=True)
class EvaluatedStack:
    """A stack under evaluation.

    :ivar frames: oldest first.
    :ivar route: says which skill answers each row.
    :ivar load: loads the base; it is not called where every answer is known.
    :ivar precision: of the base.
    :ivar derived: folder of derived files.
    :ivar learned: keys of the rows of a table that a skill learned from.
    :ivar tables: by skill, the table that it learned from, where that lies here.
    """

    name: str
    frames: tuple[Frame, ...]
    route: Callable[[list[Row]], Sequence[Route]]
    load: Callable[[], Predictor]
    precision: str
    derived: Path
    router: str = "hybrid_chain"
    learned: Callable[[Skill], Collection[int]] = lambda skill: ()
    tables: Mapping[str, Path] = field(default_factory=dict)

    @property
    def tip(self) -> Frame:
        """Its newest frame."""
        return self.frames[-1]


class Asked(TypedDict, total=False):
    """Which test rows are asked.

    :ivar per_class: rows of each class at most, by default 64; None for all.
    :ivar data_dir: folder with one folder per task, for tasks that do not ship with the package.
    :ivar tables: by skill, labelled rows instead of the task's own test rows: the path of a table, a data
        frame, a data set, or a pair of texts and labels.
    :ivar only: tasks or skills; by default all that have test rows here.
    """

    per_class: int | None
    data_dir: str | Path | None
    tables: Mapping[str, Any] | None
    only: Sequence[str]


@dataclass(frozen=True)
class EvaluationConfig:
    """What is measured, and on which rows.

    :ivar per_class: test rows of each class at most; None for all.
    :ivar data_dir: holds a folder with the rows of each task.
    :ivar tables: by skill, a table of labelled rows instead of the task's.
    :ivar only: tasks or skills; empty for all of the stack.
    :ivar matrix: whether every frame is asked about every task.
    """

    per_class: int | None = PER_CLASS
    data_dir: Path | None = None
    tables: Mapping[str, Path | Table] = field(default_factory=dict)
    only: tuple[str, ...] = ()
    matrix: bool = False

    @classmethod
    def of(
        cls,
        per_class: int | None = PER_CLASS,
        data_dir: str | Path | None = None,
        tables: Mapping[str, Any] | None = None,
        only: Sequence[str] = (),
        *,
        matrix: bool = False,
    ) -> EvaluationConfig:
        """A config with paths and tables as people give them.

        :param tables: by skill, the path of a table, or rows in memory as `table_of` takes them.
        :raises UsageError: if it has no rows.
        :raises InputError: if a table in memory is none.
        """
        if per_class is not None and per_class < 1:
            raise UsageError(f"Invalid number of rows per class: {per_class}.", "Give at least 1, or all.")
        return cls(
            per_class=per_class,
            data_dir=Path(data_dir) if data_dir is not None else None,
            tables={name: _table(given) for name, given in (tables or {}).items()},
            only=tuple(only),
            matrix=matrix,
        )


def _table(given: Any) -> Path | Table:
    return Path(given) if isinstance(given, (str, Path)) else table_of(given)


@dataclass(frozen=True)
class SkillQuestions:
    """A skill with its test rows and their routes.

    :ivar frame: the frame that has the skill.
    :ivar questions: its rows and their labels.
    :ivar routes: of each row, which skill the router picks.
    """

    frame: Frame
    skill: Skill
    questions: Questions
    routes: Sequence[Route]

    @property
    def rows(self) -> tuple[Row, ...]:
        """The texts."""
        return self.questions.rows

    @property
    def labels(self) -> NDArray[np.int64]:
        """The right label of each row, an index into the skill's labels, ``[rows]``."""
        import numpy as np

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
        questions = replace(
            self.questions,
            rows=tuple(self.questions.rows[place] for place in places),
            labels=tuple(self.questions.labels[place] for place in places),
        )
        return replace(self, questions=questions, routes=[self.routes[place] for place in places])


@dataclass(frozen=True)
class StackQuestions:
    """The skills that can be evaluated, oldest first.

    :ivar each: one per skill.
    :ivar skipped: by skill, why it cannot be evaluated; no path of this machine is in it.
    """

    each: tuple[SkillQuestions, ...]
    skipped: Mapping[str, str]


def stack_questions(stack: EvaluatedStack, config: EvaluationConfig) -> StackQuestions:
    """Read the test rows of each skill, and route them.

    :raises UsageError: if the stack is empty, has two skills of one name, or not what ``only`` names.
    :raises InputError: if no task has test rows; where a task was named, if it has none or they have labels
        that its skill does not know.
    """
    asked, skipped = _questions_of_each(stack, _skills(stack, config), config)
    routes = stack.route([row for _, _, found in asked for row in found.rows])
    entries, place = [], 0
    for frame, skill, found in asked:
        entries.append(SkillQuestions(frame, skill, found, routes[place : place + len(found.rows)]))
        place += len(found.rows)
    return StackQuestions(tuple(entries), skipped)


def _skills(stack: EvaluatedStack, config: EvaluationConfig) -> list[tuple[Frame, Skill]]:
    found = [(frame, skill) for frame in stack.frames for skill in frame.skills]
    if not found:
        raise UsageError(f"The stack {stack.name!r} has no frames.", "Train something first.")
    names = Counter(skill.name for _, skill in found)
    twice = [name for name, count in names.items() if count > 1]
    if twice:
        raise UsageError(
            f"The stack {stack.name!r} has two skills called {twice[0]!r}.",
            "Which of them a text belongs to cannot be told; rename one, or undo.",
        )
    known = {name for _, skill in found for name in (skill.name, skill.task)}
    for name in (*config.only, *config.tables):
        if name not in known:
            raise UsageError(f"The stack {stack.name!r} has no {name[:80]!r}.", did_you_mean(name, known))
    only = set(config.only)
    return [(frame, skill) for frame, skill in found if not only or only & {skill.name, skill.task}]


def _questions_of_each(
    stack: EvaluatedStack, skills: Sequence[tuple[Frame, Skill]], config: EvaluationConfig
) -> tuple[list[tuple[Frame, Skill, Questions]], dict[str, str]]:
    """The rows of each skill, and by skill the reason why it has none."""
    found, skipped = [], {}
    first: SkillStackError | None = None
    for frame, skill in skills:
        given = config.tables.get(skill.name) or config.tables.get(skill.task)
        table = given or stack.tables.get(skill.name)
        try:
            questions = ask(
                skill,
                data_dir=config.data_dir,
                table=table,
                per_class=config.per_class,
                learned=() if table is None else stack.learned(skill),
            )
        except SkillStackError as error:
            # What was named by hand has to be there; of a whole stack the rest can be evaluated.
            if given is not None or config.only:
                raise
            skipped[skill.name] = published(error.message, config.data_dir, stack.tables.get(skill.name))
            first = first or error
        else:
            found.append((frame, skill, questions))
    if not found and first is not None:
        raise InputError(f"No task of the stack has test rows here. {first.message}", first.hint)
    return found, skipped
