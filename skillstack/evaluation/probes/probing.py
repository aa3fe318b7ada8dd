"""The input of every probe, the origin of its figures, and choices measured on other texts than their own.

The best of several candidates on some texts owes a part of its lead to these very texts, so its accuracy
on them is too high. Here each half is answered by what was best on the other half, and every text counts
(two-fold cross-fitting; Stone 1974, Cross-validatory choice and assessment of statistical predictions,
JRSS B 36).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skillstack.data.splits import sample_hash
from skillstack.errors import InputError, UsageError
from skillstack.evaluation.intervals import Interval, rounded
from skillstack.evaluation.metrics import Mask, accuracy, macro
from skillstack.evaluation.prediction_plan import Logits, PredictionPlan
from skillstack.evaluation.predictions import Predictions
from skillstack.evaluation.questions import EvaluatedStack, EvaluationConfig, SkillQuestions
from skillstack.evaluation.result import Effort
from skillstack.evaluation.statistics import mean_interval
from skillstack.results import SCHEMA
from skillstack.routers.base import Scores
from skillstack.store.rows import Row


@dataclass(frozen=True, eq=False)
class Chosen:
    """The best candidates, chosen on one half and measured on the other.

    :ivar right: per task which answers are right, bool ``[rows]``.
    :ivar by_half: of each half the candidate that answers it, which was best on the other one.
    :ivar best: the candidate that is best on all texts; of equals the first.
    :ivar optimistic: its accuracy on these texts, as a mean over tasks.
    """

    right: tuple[Mask, ...]
    by_half: tuple[int, int]
    best: int
    optimistic: float


def halves(entry: SkillQuestions, seed: int) -> NDArray[np.int64]:
    """``[rows]``: 0 or 1, by turns in the order of the texts' hashes: the same on every machine.

    :raises InputError: if there are fewer than two texts.
    """
    if len(entry.rows) < 2:
        raise InputError(
            f"There is only one test text of {entry.skill.name!r}, and choosing and measuring need two.",
            "Give more of them, or leave the task out.",
        )
    found = np.empty(len(entry.rows), dtype=np.int64)
    found[in_order(entry, seed)] = np.arange(len(entry.rows)) % 2
    return found


def in_order(entry: SkillQuestions, seed: int) -> list[int]:
    """Places of the texts in the order of their hashes."""
    hashes = [sample_hash(row, seed, entry.skill.task) for row in entry.rows]
    return sorted(range(len(hashes)), key=hashes.__getitem__)


def choose(candidates: Sequence[Sequence[Mask]], parts: Sequence[NDArray[np.int64]]) -> Chosen:
    """Find the best candidate of each half.

    :param candidates: per candidate and task which answers are right.
    :param parts: per task the half of each text, as of `halves`.
    """

    def mean(candidate: int, half: int) -> float:
        pairs = zip(candidates[candidate], parts, strict=True)
        return macro([accuracy(mask[part == half]) for mask, part in pairs])

    means = [[mean(candidate, half) for candidate in range(len(candidates))] for half in (0, 1)]
    by_half = (int(np.argmax(means[1])), int(np.argmax(means[0])))
    overall = [macro([accuracy(mask) for mask in masks]) for masks in candidates]
    best = int(np.argmax(overall))
    right = tuple(
        np.where(part == 0, candidates[by_half[0]][task], candidates[by_half[1]][task])
        for task, part in enumerate(parts)
    )
    return Chosen(right, by_half, best, overall[best])


@dataclass(frozen=True)
class Probing:
    """A stack to probe, with the settings of the probe.

    :ivar stack: the stack.
    :ivar config: which texts are asked.
    :ivar scores: gives the router's scores of rows.
    :ivar seed: seed of everything that is drawn.
    :ivar texts: texts of each task at most, for probes that want as many of each; None for as many as can be.
    :ivar orders: random orders, for the probe of orders.
    :ivar depth: newest frames that may accept a text; None for all.
    :ivar tell: called with answers that the model gave, and those that it has to give.
    """

    stack: EvaluatedStack
    config: EvaluationConfig
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
            raise UsageError(f"The number of texts per task is {self.texts}.", "Give at least 2.")
        if self.orders < 0:
            raise UsageError(f"The number of random orders is {self.orders}.", "Give 0 or more.")


@dataclass(frozen=True)
class Origin:
    """The origin of a probe's figures.

    :ivar stack: the stack's name.
    :ivar tip: id of its newest node.
    :ivar base: name of its base.
    :ivar precision: precision of the base.
    :ivar per_class: test rows of each class that were asked for; None for all.
    :ivar seed: seed of what was drawn.
    :ivar tasks: skills whose tasks were asked, oldest first.
    :ivar skipped: by skill, why it could not be asked; no path of this machine is in it.
    :ivar effort: answers and seconds that the probe took.
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
        """The fields with which every probe's document begins."""
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
            "interval": self.interval.to_json(),
            "n": self.n,
        }


def share(tasks: Sequence[Mask]) -> Share:
    """The mean of tasks' accuracies.

    :param tasks: per task which of its answers are right.
    """
    return Share(macro([accuracy(mask) for mask in tasks]), mean_interval(tasks), sum(map(len, tasks)))


class ProbeRunner:
    """Asks a probe's questions, and counts the answers and seconds.

    :ivar wanted: the questions; filled by the probe.
    """

    def __init__(
        self, probing: Probing, entries: Sequence[SkillQuestions], skipped: Mapping[str, str]
    ) -> None:
        self._began = time.monotonic()
        self._probing, self._entries, self._skipped = probing, entries, skipped
        self.wanted = PredictionPlan(probing.stack)
        self._asked = 0

    def ask(self) -> Logits:
        """Ask all questions; returns the logits.

        :raises SkillStackError: one of its kinds, if they cannot be had.
        """
        stack = self._probing.stack
        predictions = Predictions(stack.derived, stack.load, stack.precision, self._probing.tell)
        found = self.wanted.ask(predictions)
        self._asked = predictions.asked
        return found

    def origin(self) -> Origin:
        """Where the figures come from."""
        stack = self._probing.stack
        return Origin(
            stack=stack.name,
            tip=stack.tip.id,
            base=stack.tip.content.base.name,
            precision=stack.precision,
            per_class=self._probing.config.per_class,
            seed=self._probing.seed,
            tasks=tuple(entry.skill.name for entry in self._entries),
            skipped=self._skipped,
            effort=Effort(self.wanted.count, self._asked, round(time.monotonic() - self._began, 2)),
        )
