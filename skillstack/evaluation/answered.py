"""Test rows with what their own frame answers, row by row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skillstack.evaluation.labels import LabelConfusion
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
