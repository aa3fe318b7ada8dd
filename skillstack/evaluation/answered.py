"""Test rows with what their own frame answers, row by row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skillstack.evaluation.labels import LabelConfusion
from skillstack.store.rows import Row


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
