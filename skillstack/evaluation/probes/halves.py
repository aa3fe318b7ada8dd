"""Choosing on one half of the texts and measuring on the other, both ways round.

The best of several candidates on some texts owes a part of its lead to these very texts, so its accuracy on
them is too high. Here each half is answered by what was best on the other half, and every text counts
(two-fold cross-fitting; Stone 1974, Cross-validatory choice and assessment of statistical predictions, JRSS B
36).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skillstack.errors import InputError
from skillstack.evaluation.result import Mask
from skillstack.evaluation.scores import accuracy, macro
from skillstack.evaluation.sittings import Sitting
from skillstack.tasks.sampling import sample_hash


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


def halves(sitting: Sitting, seed: int) -> NDArray[np.int64]:
    """``[rows]``: 0 or 1, by turns in the order of the texts' hashes: the same on every machine.

    :raises InputError: if there are fewer than two texts.
    """
    if len(sitting.rows) < 2:
        raise InputError(
            f"There is one test text of {sitting.skill.name!r}; choosing and measuring take two.",
            "Give more of them, or leave the task out.",
        )
    found = np.empty(len(sitting.rows), dtype=np.int64)
    found[in_order(sitting, seed)] = np.arange(len(sitting.rows)) % 2
    return found


def in_order(sitting: Sitting, seed: int) -> list[int]:
    """Places of the texts in the order of their hashes."""
    hashes = [sample_hash(row, seed, sitting.skill.task) for row in sitting.rows]
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
