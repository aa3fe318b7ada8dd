"""The few figures that a report begins with."""

from __future__ import annotations

from dataclasses import dataclass

from skillstack.evaluation.result import TITLES, Evaluation
from skillstack.reports.verdict import verdict
from skillstack.reports.words import between, points


@dataclass(frozen=True)
class Tile:
    """A figure in large letters.

    :ivar label: what it is.
    :ivar value: as shown.
    :ivar number: as measured.
    :ivar below: how sure it is.
    """

    label: str
    value: str
    number: float
    below: str


def tiles(evaluation: Evaluation, *, compressed: bool) -> tuple[Tile, ...]:
    """Routed accuracy, that with the task given, regret, the best rival, the router, forgetting.

    :param compressed: whether frames were merged or cut.
    """
    e, found = evaluation, verdict(evaluation)
    routed, own = e.modes["routed"], e.modes["task_aware"]
    shown = [
        Tile("routed", f"{points(routed.accuracy)} %", _kept(routed.accuracy), between(routed.interval)),
        Tile("task given", f"{points(own.accuracy)} %", _kept(own.accuracy), between(own.interval)),
        Tile(
            "cost of routing",
            f"{points(e.regret.difference)} pt",
            _kept(e.regret.difference),
            between(e.regret.interval),
        ),
    ]
    if found.rivals:
        best = found.rivals[0]
        value = f"{points(best.score.accuracy)} %"
        tasks = best.score.tasks
        on = f", {tasks} of {len(e.tasks)} tasks" if tasks < len(e.tasks) else ""
        below = TITLES[best.mode] + on
        shown.append(Tile("best simple rival", value, _kept(best.score.accuracy), below))
    router = e.routing
    shown.append(
        Tile(
            "router, right task",
            f"{points(router.task.accuracy)} %",
            _kept(router.task.accuracy),
            between(router.task_interval),
        )
    )
    mean = e.forgetting.mean
    if mean is not None:
        shown.append(
            Tile(
                "one adapter would forget",
                f"{points(mean)} pt",
                _kept(mean),
                "" if compressed else "frames: 0.0",
            )
        )
    return tuple(shown)


def _kept(value: float) -> float:
    return round(value, 6)
