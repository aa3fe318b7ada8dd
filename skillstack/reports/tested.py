"""A compressed stack on test rows, held against the stack as it was trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from skillstack.evaluation.intervals import Interval
from skillstack.reports.checked import difference, figure, interval, name, whole


@dataclass(frozen=True)
class Change:
    """Accuracy before and after, on the same rows; shares are 0 to 1.

    :ivar before: of the stack as it was trained.
    :ivar after: of what became of it.
    :ivar difference: after minus before.
    :ivar interval: of the difference, 95 %, paired.
    """

    before: float
    after: float
    difference: float
    interval: Interval


@dataclass(frozen=True)
class TaskChange:
    """One task on its test rows.

    :ivar task: its name.
    :ivar n: its rows.
    :ivar given: with the task given.
    :ivar routed: by the skill that the router picks.
    """

    task: str
    n: int
    given: Change
    routed: Change


@dataclass(frozen=True)
class Tested:
    """A compressed stack on test rows.

    :ivar tasks: one by one.
    :ivar given: mean over tasks, with the task given.
    :ivar routed: mean over tasks, routed.
    :ivar regret_before: what routing cost before.
    :ivar regret_after: and after.
    """

    tasks: tuple[TaskChange, ...]
    given: Change
    routed: Change
    regret_before: float
    regret_after: float

    @property
    def worst(self) -> TaskChange:
        """The task that changes for the worst, with the task given."""
        return min(self.tasks, key=lambda one: one.given.difference)


def tested_of(test: Mapping[str, Any]) -> Tested:
    """The tested stack of this part of a document.

    :raises KeyError, TypeError, ValueError, AttributeError: if it is none.
    """
    tasks = tuple(
        TaskChange(name(one["task"]), whole(one["n"], 1), _change(one["task_aware"]), _change(one["routed"]))
        for one in test["tasks"]
    )
    if not tasks:
        raise ValueError("no task was tested")
    return Tested(
        tasks,
        _change(test["task_aware"]),
        _change(test["routed"]),
        difference(test["regret"]["before"]),
        difference(test["regret"]["after"]),
    )


def _change(one: Mapping[str, Any]) -> Change:
    return Change(
        figure(one["before"]), figure(one["after"]), difference(one["difference"]), interval(one["interval"])
    )
