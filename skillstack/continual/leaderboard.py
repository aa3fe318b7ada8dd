"""The leaderboard of a bench: methods by kind of order, with what sets each apart from ours."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from skillstack.continual import registry
from skillstack.continual.cell import SCHEMA, BenchCell, TaskOrder, mean_mask
from skillstack.errors import InputError
from skillstack.evaluation.intervals import Interval, rounded
from skillstack.evaluation.metrics import Mask, macro
from skillstack.evaluation.statistics import Paired, paired_runs, runs_interval

#: The method that the others are compared with.
OURS = "skillstack"


@dataclass(frozen=True)
class MethodStanding:
    """One method with one kind of order. Accuracies are means over tasks, then over runs, 0 to 1.

    :ivar order: ``forward``, ``reverse`` or ``random``.
    :ivar runs: order and seed of each run.
    :ivar n: test rows of one run.
    :ivar accuracy: with the task given.
    :ivar interval: of it, 95 %: other texts, the same runs.
    :ivar by_run: the accuracy of each run.
    :ivar macro_f1: with the task given.
    :ivar difference: to `OURS` on the same texts, in the runs that both have; None for itself, and where
        there is no such run.
    :ivar forgetting: None for a method that answers nothing before the end; likewise the next two.
    :ivar min_acc: mean over tasks of the lowest accuracy since they were learned.
    :ivar wc_acc: the same with the last task's accuracy.
    :ivar routed: where a router picks the skill; None where there is none.
    :ivar at_home: rows for which it picks their own skill.
    :ivar unaided: answers among all classes of all tasks; None where a method gives none.
    :ivar seconds: of one training, over the runs of which it is known; None where it is of none.
    :ivar processor: processor seconds, likewise.
    :ivar bytes_per_task: weights and statistics kept.
    :ivar texts_per_task: bytes of texts kept.
    :ivar rows: training rows passed through the model.
    """

    method: str
    order: str
    runs: tuple[tuple[str, int], ...]
    n: int
    accuracy: float
    interval: Interval
    by_run: tuple[float, ...]
    macro_f1: float
    difference: Paired | None
    forgetting: float | None
    min_acc: float | None
    wc_acc: float | None
    routed: float | None
    at_home: float | None
    unaided: float | None
    seconds: float | None
    processor: float | None
    parameters: float
    bytes_per_task: float
    texts_per_task: float
    steps: float
    rows: float

    @property
    def regret(self) -> float | None:
        """Accuracy with the task given minus accuracy of the router's picks."""
        return None if self.routed is None else self.accuracy - self.routed

    def to_json(self) -> dict[str, Any]:
        """For a document."""
        difference = self.difference
        return {
            "method": self.method,
            "title": registry.method(self.method).title,
            "paper": registry.method(self.method).paper,
            "order": self.order,
            "runs": [{"order": order, "seed": seed} for order, seed in self.runs],
            "n": self.n,
            "accuracy": round(self.accuracy, 6),
            "interval": self.interval.to_json(),
            "by_run": rounded(self.by_run),
            "macro_f1": round(self.macro_f1, 6),
            "difference": None
            if difference is None
            else {
                "to": OURS,
                "points": round(100 * difference.difference, 4),
                "interval": [round(100 * end, 4) for end in difference.interval.to_json()],
                "p": difference.p,
                "n": difference.n,
                "only_this": difference.only_first,
                f"only_{OURS}": difference.only_second,
            },
            **{
                name: rounded(getattr(self, name))
                for name in ("forgetting", "min_acc", "wc_acc", "routed", "at_home", "regret", "unaided")
            },
            "seconds": None if self.seconds is None else round(self.seconds, 1),
            "processor_seconds": None if self.processor is None else round(self.processor, 1),
            "parameters": round(self.parameters),
            "bytes_per_task": round(self.bytes_per_task),
            "texts_per_task": round(self.texts_per_task),
            "steps": round(self.steps),
            "rows": round(self.rows),
        }


def leaderboard(cells: Iterable[BenchCell]) -> tuple[MethodStanding, ...]:
    """The standings: by kind of order, then the best accuracy first.

    Each cell counts once, however often it is given.

    :raises InputError: if cells were examined on different rows.
    """
    unique = {(cell.method, cell.order, cell.seed): cell for cell in cells}
    by_kind: defaultdict[tuple[str, str], list[BenchCell]] = defaultdict(list)
    for _, cell in sorted(unique.items()):
        by_kind[TaskOrder(cell.order).kind, cell.method].append(cell)
    _check_rows([*unique.values()])
    ours = {(cell.order, cell.seed): cell for cell in unique.values() if cell.method == OURS}
    standings = [
        _standing(kind, runs, [ours.get((run.order, run.seed)) for run in runs])
        for (kind, _), runs in by_kind.items()
    ]
    kinds = ("forward", "reverse", "random")
    return tuple(sorted(standings, key=lambda one: (kinds.index(one.order), -one.accuracy, one.method)))


def to_json(standings: Sequence[MethodStanding]) -> dict[str, Any]:
    """All standings as one document."""
    return {"schema": SCHEMA, "methods": [standing.to_json() for standing in standings]}


def _standing(kind: str, runs: Sequence[BenchCell], ours: Sequence[BenchCell | None]) -> MethodStanding:
    masks = [_right(run) for run in runs]
    both = [(run, own) for run, own in zip(runs, ours, strict=True) if own is not None]
    difference = None
    if both and runs[0].method != OURS:
        difference = paired_runs([list(zip(_right(a), _right(b), strict=True)) for a, b in both])
    worst = [run.worst for run in runs]
    tasks = len(runs[0].tasks)
    return MethodStanding(
        method=runs[0].method,
        order=kind,
        runs=tuple((run.order, run.seed) for run in runs),
        n=sum(len(mask) for mask in masks[0]),
        accuracy=macro([run.accuracy for run in runs]),
        interval=runs_interval(masks),
        by_run=tuple(run.accuracy for run in runs),
        macro_f1=macro([macro([task.macro_f1 for task in run.tasks]) for run in runs]),
        difference=difference,
        forgetting=_mean([run.forgetting for run in runs]),
        min_acc=_mean([one.min_acc if one else None for one in worst]),
        wc_acc=_mean([one.wc_acc if one else None for one in worst]),
        routed=_mean([mean_mask([task.routed for task in run.tasks]) for run in runs]),
        at_home=_mean([mean_mask([task.at_home for task in run.tasks]) for run in runs]),
        unaided=_mean([mean_mask([task.unaided for task in run.tasks]) for run in runs]),
        seconds=_mean_of_known([run.seconds for run in runs]),
        processor=_mean_of_known([run.processor for run in runs]),
        parameters=macro([run.cost.parameters for run in runs]),
        bytes_per_task=macro([run.cost.bytes / tasks for run in runs]),
        texts_per_task=macro([run.cost.texts / tasks for run in runs]),
        steps=macro([run.cost.steps for run in runs]),
        rows=macro([run.cost.rows for run in runs]),
    )


def _right(cell: BenchCell) -> list[Mask]:
    """Right answers by task, the tasks by name: orders differ, texts do not."""
    return [task.right for task in sorted(cell.tasks, key=lambda task: task.task)]


def _check_rows(cells: Sequence[BenchCell]) -> None:
    kinds = {tuple(sorted((task.task, task.rows) for task in cell.tasks)) for cell in cells}
    if len(kinds) > 1:
        raise InputError(
            "The results are of different test rows, so they cannot be compared.",
            "Name one folder with --results for each number of rows per class.",
        )


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return macro(known) if known and len(known) == len(values) else None


def _mean_of_known(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return macro(known) if known else None
