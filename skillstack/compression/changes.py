"""One skill before and after, text by text: counts, interval and test."""

from __future__ import annotations

from skillstack.compression.result import SkillChange
from skillstack.compression.rows import SkillRows
from skillstack.evaluation.intervals import Interval
from skillstack.evaluation.metrics import Mask
from skillstack.evaluation.noninferiority import non_inferior
from skillstack.evaluation.statistics import paired
from skillstack.store.records import Count


def change_of(one: SkillRows, before: Mask, after: Mask, *, margin: float, level: float) -> SkillChange:
    """What became of a skill's answers; without a row nothing is known of it.

    :param before: right answers of the stack as it is.
    :param after: right answers of the stack as it would be, to the same rows.
    """
    return SkillChange(
        skill=one.skill.name,
        task=one.skill.task,
        frame=one.frame.name,
        before=count_of(before),
        after=count_of(after),
        interval=paired([(after, before)]).interval if len(before) else Interval(-1.0, 1.0),
        test=non_inferior(before, after, margin=margin, level=level),
    )


def count_of(right: Mask) -> Count:
    """Right answers as whole numbers."""
    return Count(int(right.sum()), len(right))
