"""A stream of tasks whose frames were merged as they came, beside the same stream without."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from skillstack.evaluation.intervals import Interval
from skillstack.reports.checked import difference, figure, interval, name, whole


@dataclass(frozen=True)
class Step:
    """A stack after one more task.

    :ivar task: the task.
    :ivar frames: of the stack by then.
    :ivar bytes: of their adapters.
    :ivar given: accuracy on test rows of all tasks so far, with the task given, 0 to 1.
    :ivar routed: likewise routed; None where there was nothing to route.
    """

    task: str
    frames: int
    bytes: int
    given: float
    routed: float | None


@dataclass(frozen=True)
class Gap:
    """Accuracy of the merged stack minus that of the plain one at the end, on the same rows.

    :ivar difference: -1 to 1.
    :ivar interval: of it, 95 %, paired.
    """

    difference: float
    interval: Interval


@dataclass(frozen=True)
class Stream:
    """One order of tasks, learned twice.

    :ivar preset: whose tasks they are.
    :ivar order: the order's name.
    :ivar seed: of the recipe.
    :ivar merged: with families merged as their frames came.
    :ivar plain: without; the same tasks.
    :ivar given: what merging changed, with the task given.
    :ivar routed: likewise routed.
    """

    preset: str
    order: str
    seed: int
    merged: tuple[Step, ...]
    plain: tuple[Step, ...]
    given: Gap
    routed: Gap

    @property
    def title(self) -> str:
        """What a table calls it."""
        return f"order {self.order}, {self.preset}"

    @property
    def share(self) -> float | None:
        """Bytes at the end of those without merging; None where there are none."""
        return self.merged[-1].bytes / self.plain[-1].bytes if self.plain[-1].bytes else None


def stream_of(document: Mapping[str, Any], order: str) -> Stream:
    """The stream of this document.

    :param order: the order's name, which the document's file has.
    :raises KeyError, TypeError, ValueError, AttributeError: if it is none.
    """
    streams, gaps = document["streams"], document["difference"]
    found = Stream(
        preset=name(document["preset"]),
        order=name(order),
        seed=whole(document["seed"]),
        merged=_steps(streams["merged"]),
        plain=_steps(streams["plain"]),
        given=_gap(gaps["task_aware"]),
        routed=_gap(gaps["routed"]),
    )
    tasks = list(document["order"])
    if not tasks or any([step.task for step in steps] != tasks for steps in (found.merged, found.plain)):
        raise ValueError("a task is missing")
    return found


def _steps(steps: Sequence[Mapping[str, Any]]) -> tuple[Step, ...]:
    return tuple(
        Step(
            name(one["task"]),
            whole(one["frames"], 1),
            whole(one["bytes"]),
            figure(one["task_aware"]),
            None if one["routed"] is None else figure(one["routed"]),
        )
        for one in steps
    )


def _gap(one: Mapping[str, Any]) -> Gap:
    return Gap(difference(one["points"], 100.0), interval(one["interval"], 100.0))
