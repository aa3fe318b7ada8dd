"""Test rows with what their own frame answers, row by row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skillstack.evaluation.intervals import DIGITS, rounded
from skillstack.evaluation.labels import LabelConfusion
from skillstack.evaluation.metrics import count_of
from skillstack.store.records import Count
from skillstack.store.rows import Row


@dataclass(frozen=True)
class WrongAnswer:
    """A test row that its own frame answers wrongly.

    :ivar label: the right label.
    :ivar answer: the label that it is given.
    :ivar probability: that of the answer, 0 to 1.
    :ivar routed_to: the skill that the router picks; None for a rejected row.
    :ivar routed_elsewhere: whether that is not the row's own.
    """

    skill: str
    row: Row
    label: str
    answer: str
    probability: float
    routed_to: str | None
    routed_elsewhere: bool


#: Least probabilities at which coverage is looked at.
THRESHOLDS = (0.5, 0.7, 0.8, 0.9, 0.95)


@dataclass(frozen=True)
class Coverage:
    """What is answered, and how well, where less sure answers are left out.

    :ivar min_probability: the least probability of an answer, 0 to 1.
    :ivar answered: rows that are answered, and how many of them rightly.
    :ivar n: all rows.
    """

    min_probability: float
    answered: Count
    n: int

    @property
    def coverage(self) -> float:
        """Share of rows that are answered, 0 to 1; 0 without rows."""
        return self.answered.n / self.n if self.n else 0.0

    @property
    def accuracy(self) -> float | None:
        """Share of right answers among those given; None where none is."""
        return self.answered.accuracy if self.answered.n else None

    def to_json(self) -> dict[str, Any]:
        """The figures, rounded."""
        return {
            "min_probability": self.min_probability,
            "answered": self.answered.n,
            "correct": self.answered.correct,
            "coverage": round(self.coverage, DIGITS),
            "accuracy": rounded(self.accuracy),
        }


@dataclass(frozen=True, eq=False)
class AnsweredRows:
    """A task's test rows, and what the task's own frame answers.

    :ivar names: names of the labels.
    :ivar rows: the texts.
    :ivar right: the right label of each, a place in ``names``, ``[rows]``.
    :ivar given: the label that it is given, likewise.
    :ivar probabilities: those of the given labels, 0 to 1, ``[rows]``.
    :ivar choices: the skill that the router picks for each; None for a rejected row.
    """

    names: tuple[str, ...]
    rows: tuple[Row, ...]
    right: NDArray[np.int64]
    given: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    choices: tuple[str | None, ...]

    @property
    def confusion(self) -> LabelConfusion:
        """The rows by the label that they have and the label that they are given."""
        return LabelConfusion.of(self.names, self.right, self.given)

    @property
    def coverage(self) -> tuple[Coverage, ...]:
        """How many rows are answered, and how well, at each of `THRESHOLDS`."""
        right = self.right == self.given
        return tuple(
            Coverage(least, count_of(right[self.probabilities >= least]), len(right)) for least in THRESHOLDS
        )

    def mistakes(self, skill: str) -> tuple[WrongAnswer, ...]:
        """The rows that are answered wrongly, in their order.

        :param skill: name of the rows' own skill.
        """
        return tuple(
            WrongAnswer(
                skill=skill,
                row=self.rows[place],
                label=self.names[self.right[place]],
                answer=self.names[self.given[place]],
                probability=float(self.probabilities[place]),
                routed_to=self.choices[place],
                routed_elsewhere=self.choices[place] != skill,
            )
            for place in np.flatnonzero(self.right != self.given).tolist()
        )
