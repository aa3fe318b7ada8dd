"""What an evaluation found: by task, over all tasks, and of the router."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from skillstack.data.table_rows import LearnedRows
from skillstack.evaluation.answered import AnsweredRows, WrongAnswer
from skillstack.evaluation.intervals import DIGITS, Interval, rounded
from skillstack.evaluation.metrics import CalibrationError, Forgetting, Mask, Regret, count_of
from skillstack.evaluation.statistics import Paired
from skillstack.results import SCHEMA
from skillstack.store.records import Count
from skillstack.wording import between, html_table, many, percent

#: Ways to answer a text, in the order in which they are shown.
#:
#: ``task_aware``: by its own skill; ``routed``: by the skill that the router picks; ``latest_adapter``: by
#: its own head over the newest frame's adapter; ``frozen_linear``: by a logistic head on the frozen base;
#: ``majority_class``: the most frequent label of the training rows, whatever the text says.
MODES = ("task_aware", "routed", "latest_adapter", "frozen_linear", "majority_class")
#: What they are called.
TITLES = {
    "task_aware": "its own frame",
    "routed": "routed",
    "latest_adapter": "latest adapter",
    "frozen_linear": "linear head, frozen base",
    "majority_class": "most frequent label",
}


@dataclass(frozen=True, eq=False)
class Answers:
    """Answers to a task's test rows.

    :ivar right: which of them are right, bool ``[rows]``.
    :ivar interval: 95 % score interval of the accuracy.
    :ivar macro_f1: mean F1 over the labels.
    """

    right: Mask
    interval: Interval
    macro_f1: float

    @property
    def count(self) -> Count:
        """Right answers, and rows."""
        return count_of(self.right)

    def to_json(self) -> dict[str, Any]:
        """The answers without the rows."""
        return {**_share(self.count, self.interval), "macro_f1": round(self.macro_f1, DIGITS)}


@dataclass(frozen=True)
class TaskRouting:
    """Where the router sent a task's test rows.

    :ivar task: rows that came to the task's own skill.
    :ivar family: rows that came to a skill of the same family.
    :ivar fallback: rows for which no frame was accepted, and the best score decided.
    :ivar depth: frames looked at, on average.
    :ivar taken: by skill, rows that came to it; the empty name for rows that were rejected.
    """

    task: Count
    family: Count
    fallback: int
    depth: float
    taken: Mapping[str, int]

    def to_json(self) -> dict[str, Any]:
        """Rows as counts."""
        return {
            "task": self.task.correct,
            "family": self.family.correct,
            "fallback": self.fallback,
            "depth": round(self.depth, DIGITS),
            "taken": dict(self.taken),
        }


@dataclass(frozen=True, eq=False)
class TaskEvaluation:
    """One task, as one skill answers it.

    :ivar skill: the skill that was asked. It names this: several skills of a stack may have one task.
    :ivar texts: digest of the test rows and their labels.
    :ivar answers: by mode; a mode that could not be measured is not there.
    :ivar own: each row with what the task's own frame answers.
    :ivar routing: where the router sent the rows.
    :ivar fewer: labels with fewer rows than were asked for, and how many they have.
    :ivar other_rows: whether the source's rows are no longer those that the skill was taught.
    :ivar unmeasured: by mode, why it could not be measured; no path of this machine is in it.
    :ivar left_out: rows of a table that were not asked, as the skill learned from them; None for none.
    """

    task: str
    skill: str
    frame: str
    family: str
    labels: tuple[str, ...]
    texts: str
    answers: Mapping[str, Answers]
    own: AnsweredRows
    routing: TaskRouting
    regret: Regret
    fewer: Mapping[str, int]
    other_rows: bool
    unmeasured: Mapping[str, str] = field(default_factory=dict)
    left_out: LearnedRows | None = None

    @property
    def n(self) -> int:
        """Test rows."""
        return self.regret.n

    def to_json(self) -> dict[str, Any]:
        """The task with every mode; one that could not be measured is None.

        ``per_label``, ``confusion`` and ``coverage`` are of the answers of the task's own frame.
        """
        confusion = self.own.confusion
        return {
            "task": self.task,
            "skill": self.skill,
            "frame": self.frame,
            "family": self.family,
            "labels": len(self.labels),
            "n": self.n,
            "texts": self.texts,
            **{mode: self.answers[mode].to_json() if mode in self.answers else None for mode in MODES},
            "per_label": [rounded(asdict(score)) for score in confusion.scores],
            "confusion": rounded(asdict(confusion)),
            "coverage": [one.to_json() for one in self.own.coverage],
            "routing": self.routing.to_json(),
            "regret": rounded(asdict(self.regret)),
            "fewer": dict(self.fewer),
            "other_rows": self.other_rows,
            "left_out": None if self.left_out is None else asdict(self.left_out),
            "unmeasured": dict(self.unmeasured),
        }


@dataclass(frozen=True)
class Score:
    """A mode over all tasks that have it.

    :ivar accuracy: mean over the tasks of their accuracies.
    :ivar interval: its 95 % bootstrap interval.
    :ivar macro_f1: mean over the tasks.
    :ivar n: rows in all.
    :ivar tasks: how many tasks.
    """

    accuracy: float
    interval: Interval
    macro_f1: float
    n: int
    tasks: int

    def to_json(self) -> dict[str, Any]:
        """The figures, rounded."""
        return {**rounded(asdict(self)), "interval": self.interval.to_json()}


@dataclass(frozen=True)
class RouterScore:
    """The router over all test rows.

    :ivar task: rows that came to their own task's skill.
    :ivar task_interval: 95 % score interval of its share.
    :ivar family: rows that came to a skill of their family.
    :ivar family_interval: 95 % score interval of its share.
    :ivar fallback: share of rows for which the best score decided.
    :ivar depth: frames looked at, on average.
    :ivar skills: by which the confusion's columns go: those of the stack, the empty name for a rejection.
    :ivar confusion: by evaluated skill, rows that came to each of ``skills``.
    :ivar calibration: of the router's confidence.
    """

    task: Count
    task_interval: Interval
    family: Count
    family_interval: Interval
    fallback: float
    depth: float
    skills: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    calibration: CalibrationError

    def to_json(self, tasks: Sequence[str]) -> dict[str, Any]:
        """The router's figures.

        :param tasks: names of the evaluated skills, by which the confusion's rows go.
        """
        return {
            "n": self.task.n,
            "task": _share(self.task, self.task_interval),
            "family": _share(self.family, self.family_interval),
            "fallback": round(self.fallback, DIGITS),
            "depth": round(self.depth, DIGITS),
            "confusion": {
                "rows": list(tasks),
                "columns": list(self.skills),
                "counts": rounded(self.confusion),
            },
            "calibration": rounded(asdict(self.calibration)),
        }


@dataclass(frozen=True)
class RegretScore:
    """What routing costs, as means over the tasks.

    :ivar difference: accuracy with the right skill given minus routed accuracy.
    :ivar interval: its 95 % paired bootstrap interval.
    :ivar wrong_skill_wrong_answer: share of rows; likewise the others, which sum up to 1.
    """

    difference: float
    interval: Interval
    wrong_skill_wrong_answer: float
    wrong_skill_right_answer: float
    right_skill_wrong_answer: float
    right_skill_right_answer: float


@dataclass(frozen=True)
class Matrix:
    """Every frame's adapter on every task.

    :ivar frames: names, oldest first: the rows.
    :ivar families: of each frame; of one with skills of several families, all of them.
    :ivar tasks: the columns, by the skills that have the tasks.
    :ivar own_head: accuracy of a frame's adapter under the task's own head, ``[frames][tasks]``.
    :ivar frame_head: accuracy of a frame as it is, where a skill of it has the task's labels; else None.
    """

    frames: tuple[str, ...]
    families: tuple[str, ...]
    tasks: tuple[str, ...]
    own_head: tuple[tuple[float, ...], ...]
    frame_head: tuple[tuple[float | None, ...], ...]


@dataclass(frozen=True)
class Effort:
    """What an evaluation took.

    :ivar answers: answers that were needed, each of an adapter, a head and a text.
    :ivar asked: answers that the model had to give; the others were known.
    :ivar seconds: wall time.
    """

    answers: int
    asked: int
    seconds: float


@dataclass(frozen=True, eq=False, repr=False)
class Evaluation:
    """A stack, evaluated on its tasks' test rows.

    :ivar precision: at which the base was held.
    :ivar per_class: rows of each class that were asked for; None for all.
    :ivar tasks: oldest first.
    :ivar skipped: by skill, why it could not be evaluated; no path of this machine is in it.
    :ivar modes: by mode, over all tasks that have it; a mode that no task has is not there.
    :ivar differences: by pair of modes, their difference on the same texts, of the tasks that have both.
    :ivar forgetting: accuracy of each task's own frame minus that of the newest adapter.
    :ivar sequential: whether each frame started from its parent, so that the newest adapter is what
        sequential training would have come to; None for a single frame, which nothing came before or after.
    :ivar calibration: of the answers' own probabilities, by their own skill.
    :ivar matrix: every frame on every task, where that was asked for.
    """

    stack: str
    tip: str
    base: str
    precision: str
    router: str
    per_class: int | None
    tasks: tuple[TaskEvaluation, ...]
    skipped: Mapping[str, str]
    modes: Mapping[str, Score]
    differences: Mapping[tuple[str, str], Paired]
    regret: RegretScore
    routing: RouterScore
    forgetting: Forgetting
    sequential: bool | None
    calibration: CalibrationError
    matrix: Matrix | None
    effort: Effort

    def having(self, *modes: str) -> tuple[TaskEvaluation, ...]:
        """The tasks for which all of these modes were measured."""
        return tasks_having(self.tasks, *modes)

    @property
    def mistakes(self) -> tuple[WrongAnswer, ...]:
        """Every text that its own frame answers wrongly, task by task."""
        return tuple(wrong for task in self.tasks for wrong in task.own.mistakes(task.skill))

    def to_json(self) -> dict[str, Any]:
        """The document that `skillstack eval --json` prints. Shares are 0 to 1, with six digits."""
        skills = [task.skill for task in self.tasks]
        modes = {mode: self.modes[mode].to_json() if mode in self.modes else None for mode in MODES}
        latest = modes["latest_adapter"]
        if latest is not None:
            latest["sequential_baseline"] = self.sequential
        return {
            "schema": SCHEMA,
            "stack": self.stack,
            "tip": self.tip,
            "base": self.base,
            "precision": self.precision,
            "router_name": self.router,
            "eval_samples_per_class": self.per_class,
            "tasks": [task.to_json() for task in self.tasks],
            "skipped": dict(self.skipped),
            **modes,
            "differences": [
                {
                    "first": first,
                    "second": second,
                    **found.to_json(),
                    "tasks": len(self.having(first, second)),
                }
                for (first, second), found in self.differences.items()
            ],
            "regret": rounded(asdict(self.regret)),
            "forgetting": {
                "tasks": dict(zip(skills, rounded(self.forgetting.per_task), strict=True)),
                "mean": rounded(self.forgetting.mean),
                "sequential_baseline": self.sequential,
            },
            "router": self.routing.to_json(skills),
            "calibration": rounded(asdict(self.calibration)),
            "matrix": None if self.matrix is None else rounded(asdict(self.matrix)),
            "effort": asdict(self.effort),
        }

    def __repr__(self) -> str:
        shares = ", ".join(f"{mode} {percent(score.accuracy)}" for mode, score in self.modes.items())
        return f"Evaluation({self.stack!r}, {many(len(self.tasks), 'task')}: {shares})"

    def _repr_html_(self) -> str:
        """As a notebook shows it: accuracy by mode, over all tasks."""
        rows = [
            [TITLES[mode], percent(score.accuracy), between(score.interval), f"{score.n:,}"]
            for mode, score in self.modes.items()
        ]
        title = f"{self.stack}: {many(len(self.tasks), 'task')}"
        return html_table(title, ["answered by", "accuracy", "95 % interval", "texts"], rows)


def _share(count: Count, interval: Interval) -> dict[str, Any]:
    return {
        "accuracy": round(count.accuracy, DIGITS),
        "correct": count.correct,
        "interval": interval.to_json(),
    }


def tasks_having(tasks: Iterable[TaskEvaluation], *modes: str) -> tuple[TaskEvaluation, ...]:
    """Those for which all of these modes were measured."""
    return tuple(task for task in tasks if set(modes) <= set(task.answers))
