"""What every probe gets, and what all of them say of where their figures come from."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from skillstack.answers import SCHEMA
from skillstack.errors import UsageError
from skillstack.evaluation.bootstrap import mean_interval
from skillstack.evaluation.document import rounded
from skillstack.evaluation.intervals import Interval
from skillstack.evaluation.predictions import Predictions
from skillstack.evaluation.result import Effort, Mask
from skillstack.evaluation.scores import accuracy, macro
from skillstack.evaluation.sittings import Exam, Sitting, Subject
from skillstack.evaluation.wanted import Logits, Wanted
from skillstack.frames.rows import Row
from skillstack.routers.scores import Scores


@dataclass(frozen=True)
class Probing:
    """A stack that is probed.

    :ivar subject: the stack.
    :ivar exam: which texts are asked.
    :ivar scores: gives the router's scores of rows.
    :ivar seed: of whatever is drawn.
    :ivar texts: texts of each task at most, for probes that want as many of each; None for as many as can be.
    :ivar orders: random orders, for the probe of orders.
    :ivar depth: newest frames that may accept a text; None for all.
    :ivar tell: called with answers that the model gave, and those that it has to give.
    """

    subject: Subject
    exam: Exam
    scores: Callable[[list[Row]], Scores]
    seed: int = 0
    texts: int | None = None
    orders: int = 3
    depth: int | None = None
    tell: Callable[[int, int], None] = lambda done, of: None

    def __post_init__(self) -> None:
        """Refuse numbers that cannot be meant.

        :raises UsageError: if there is one.
        """
        if self.seed < 0:
            raise UsageError(f"The seed {self.seed} is below 0.", "Give 0 or more.")
        if self.texts is not None and self.texts < 2:
            raise UsageError(f"Of {self.texts} texts a task nothing can be said.", "Give at least 2.")
        if self.orders < 0:
            raise UsageError(f"{self.orders} random orders cannot be walked.", "Give 0 or more.")


@dataclass(frozen=True)
class Origin:
    """Where figures come from.

    :ivar stack: the stack's name.
    :ivar tip: id of its newest node.
    :ivar base: name of its base.
    :ivar precision: at which the base was held.
    :ivar per_class: test rows of each class that were asked for; None for all.
    :ivar seed: of what was drawn.
    :ivar tasks: that were asked, by their skills, oldest first.
    :ivar skipped: by skill, why it could not be asked; no path of this machine is in it.
    :ivar effort: what it took.
    """

    stack: str
    tip: str
    base: str
    precision: str
    per_class: int | None
    seed: int
    tasks: tuple[str, ...]
    skipped: Mapping[str, str]
    effort: Effort

    def to_json(self, probe: str) -> dict[str, Any]:
        """What every probe's document begins with."""
        fields = asdict(self)
        fields["eval_samples_per_class"] = fields.pop("per_class")
        fields["tasks"] = list(self.tasks)
        return {"schema": SCHEMA, "probe": probe, **fields}


@dataclass(frozen=True)
class Share:
    """An accuracy over all tasks.

    :ivar accuracy: mean over the tasks.
    :ivar interval: its 95 % bootstrap interval.
    :ivar n: texts in all.
    """

    accuracy: float
    interval: Interval
    n: int

    def to_json(self) -> dict[str, Any]:
        """Shares with six digits."""
        return {
            "accuracy": rounded(self.accuracy),
            "interval": rounded([self.interval.low, self.interval.high]),
            "n": self.n,
        }


def share(tasks: Sequence[Mask]) -> Share:
    """The mean of tasks' accuracies.

    :param tasks: per task which of its answers are right.
    """
    return Share(macro([accuracy(mask) for mask in tasks]), mean_interval(tasks), sum(map(len, tasks)))


class Asking:
    """Asks what a probe wants, and remembers what it took.

    :ivar wanted: what is to be asked; filled by the probe.
    """

    def __init__(self, probing: Probing, sittings: Sequence[Sitting], skipped: Mapping[str, str]) -> None:
        self._began = time.monotonic()
        self._probing, self._sittings, self._skipped = probing, sittings, skipped
        self.wanted = Wanted(probing.subject)
        self._asked = 0

    def ask(self) -> Logits:
        """All answers.

        :raises SkillStackError: one of its kinds, if they cannot be had.
        """
        subject = self._probing.subject
        predictions = Predictions(subject.derived, subject.load, subject.precision, self._probing.tell)
        found = self.wanted.ask(predictions)
        self._asked = predictions.asked
        return found

    def origin(self) -> Origin:
        """Where the figures come from."""
        subject = self._probing.subject
        return Origin(
            stack=subject.name,
            tip=subject.tip.id,
            base=subject.tip.content.base.name,
            precision=subject.precision,
            per_class=self._probing.exam.per_class,
            seed=self._probing.seed,
            tasks=tuple(sitting.skill.name for sitting in self._sittings),
            skipped=self._skipped,
            effort=Effort(self.wanted.count, self._asked, round(time.monotonic() - self._began, 2)),
        )
