"""What routing costs against knowing the task, and where it comes from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from skillstack.evaluation.scores import Mask


@dataclass(frozen=True)
class Regret:
    """Rows answered twice: by their own skill (aware) and by the one that was chosen for them (routed).

    The four counts of routed rows sum up to ``n``; the routed accuracy is the sum of the two with a right
    answer.

    :ivar n: rows.
    :ivar difference: aware accuracy minus routed accuracy, -1 to 1: ``(lost - gained) / n``; 0 without rows.
    :ivar wrong_skill_wrong_answer: rows of another skill, answered wrongly or not at all.
    :ivar wrong_skill_right_answer: rows of another skill, answered rightly all the same.
    :ivar right_skill_wrong_answer: rows of their own skill, answered wrongly: no router could help.
    :ivar right_skill_right_answer: rows of their own skill, answered rightly.
    :ivar lost: rows of another skill that their own would have answered rightly, and this one did not.
    :ivar gained: rows of another skill that their own would have answered wrongly, and this one did not.
    """

    n: int
    difference: float
    wrong_skill_wrong_answer: int
    wrong_skill_right_answer: int
    right_skill_wrong_answer: int
    right_skill_right_answer: int
    lost: int
    gained: int


def regret(aware_right: Mask, routed_right: Mask, right_skill: Mask) -> Regret:
    """Split the routed rows by skill and answer.

    :param aware_right: ``[rows]``, whether the row's own skill is right.
    :param routed_right: ``[rows]``, whether the chosen skill is; False where none was chosen.
    :param right_skill: ``[rows]``, whether the chosen skill is the row's own.
    :raises ValueError: where rows do not match, and where one skill is both right and wrong about a row.
    """
    aware, routed, own = (np.asarray(mask, np.bool_) for mask in (aware_right, routed_right, right_skill))
    if not aware.shape == routed.shape == own.shape:
        raise ValueError(f"{len(aware)}, {len(routed)} and {len(own)} rows are not the same ones")
    if np.any(own & (aware != routed)):
        raise ValueError("the right skill was chosen, and yet its answer differs from the one it gave before")
    return _counted(
        wrong_wrong=_count(~own & ~routed),
        wrong_right=_count(~own & routed),
        right_wrong=_count(own & ~routed),
        right_right=_count(own & routed),
        lost=_count(~own & aware & ~routed),
        gained=_count(~own & ~aware & routed),
    )


def join(regrets: Iterable[Regret]) -> Regret:
    """All rows together: each counts the same, whatever its task. The mean over tasks is another figure."""
    parts = list(regrets)
    return _counted(
        wrong_wrong=sum(part.wrong_skill_wrong_answer for part in parts),
        wrong_right=sum(part.wrong_skill_right_answer for part in parts),
        right_wrong=sum(part.right_skill_wrong_answer for part in parts),
        right_right=sum(part.right_skill_right_answer for part in parts),
        lost=sum(part.lost for part in parts),
        gained=sum(part.gained for part in parts),
    )


def _counted(
    *, wrong_wrong: int, wrong_right: int, right_wrong: int, right_right: int, lost: int, gained: int
) -> Regret:
    n = wrong_wrong + wrong_right + right_wrong + right_right
    difference = (lost - gained) / n if n else 0.0
    return Regret(n, difference, wrong_wrong, wrong_right, right_wrong, right_right, lost, gained)


def _count(mask: Mask) -> int:
    return int(np.count_nonzero(mask))
