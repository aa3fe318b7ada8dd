"""A bench of methods as a report shows it, from the bench's own documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from skillstack.errors import InputError
from skillstack.evaluation.intervals import Interval
from skillstack.evaluation.questions import published


@dataclass(frozen=True)
class Standing:
    """One method with one kind of order; shares are 0 to 1.

    :ivar method: its name.
    :ivar title: what it is called.
    :ivar order: ``forward``, ``reverse`` or ``random``.
    :ivar runs: how many trainings.
    :ivar n: test rows of one of them.
    :ivar accuracy: with the task given.
    :ivar interval: of it.
    :ivar difference: to the frames' accuracy on the same texts; None for the frames themselves.
    :ivar difference_interval: likewise.
    :ivar p: of the difference.
    :ivar figures: forgetting, min_acc, wc_acc, routed and unaided; None where a method has none.
    :ivar seconds: of one training; None where it is not known.
    :ivar parameters: numbers trained.
    :ivar bytes_per_task: weights and statistics kept.
    :ivar texts_per_task: bytes of texts kept.
    """

    method: str
    title: str
    order: str
    runs: int
    n: int
    accuracy: float
    interval: Interval
    difference: float | None
    difference_interval: Interval | None
    p: float | None
    figures: Mapping[str, float | None]
    seconds: float | None
    parameters: int
    bytes_per_task: int
    texts_per_task: int


@dataclass(frozen=True)
class Curve:
    """How accuracy went while a method learned.

    :ivar method: the method's name.
    :ivar order: name of the order.
    :ivar seed: of the recipe.
    :ivar accuracies: ``accuracies[k][i]`` of task i when k + 1 tasks were learned, 0 to 1.
    """

    method: str
    order: str
    seed: int
    accuracies: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Bench:
    """A finished bench.

    :ivar document: the leaderboard as the bench wrote it.
    :ivar standings: in its order.
    :ivar curves: of the methods that answer before the end.
    :ivar source: commands and versions that made its figures.
    """

    document: Mapping[str, Any]
    standings: tuple[Standing, ...]
    curves: tuple[Curve, ...]
    source: Mapping[str, str] = field(default_factory=dict)


def bench_of(leaderboard: Mapping[str, Any], cells: Sequence[Mapping[str, Any]]) -> Bench:
    """The bench of these documents.

    :param leaderboard: what `skillstack bench --json` prints.
    :param cells: its finished cells.
    :raises InputError: if there is none, or one of them is not what it should be.
    """
    if not cells:
        raise InputError("There is no finished cell of a bench.", "Run `skillstack bench` to the end first.")
    try:
        return Bench(
            leaderboard,
            tuple(_standing(one) for one in leaderboard["methods"]),
            tuple(_curve(cell) for cell in cells if cell["trajectory"] is not None),
            _source(cells),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"The bench's results cannot be read ({type(error).__name__}).", "Run `skillstack bench` again."
        ) from error


def _standing(one: Mapping[str, Any]) -> Standing:
    found = one["difference"]
    return Standing(
        method=str(one["method"]),
        title=str(one["title"]),
        order=str(one["order"]),
        runs=len(one["runs"]),
        n=int(one["n"]),
        accuracy=float(one["accuracy"]),
        interval=Interval(*map(float, one["interval"])),
        difference=None if found is None else float(found["points"]) / 100,
        difference_interval=None
        if found is None
        else Interval(*(float(end) / 100 for end in found["interval"])),
        p=None if found is None else float(found["p"]),
        figures={
            name: None if one[name] is None else float(one[name])
            for name in ("forgetting", "min_acc", "wc_acc", "routed", "unaided")
        },
        seconds=None if one["seconds"] is None else float(one["seconds"]),
        parameters=int(one["parameters"]),
        bytes_per_task=int(one["bytes_per_task"]),
        texts_per_task=int(one["texts_per_task"]),
    )


def _curve(cell: Mapping[str, Any]) -> Curve:
    rows = tuple(tuple(float(value) for value in row) for row in cell["trajectory"])
    if any(len(row) < place + 1 for place, row in enumerate(rows)):
        raise ValueError("a step lacks accuracies")
    return Curve(str(cell["method"]), str(cell["order"]), int(cell["seed"]), rows)


def _source(cells: Sequence[Mapping[str, Any]]) -> Mapping[str, str]:
    """Commands and versions, each once."""
    found: dict[str, str] = {}
    for cell in cells:
        name = f"cell {cell['method']}, {cell['order']}, seed {cell['seed']}"
        found[name] = f"{published(str(cell['command']))} (configuration {str(cell['digest'])[:16]})"
    environments = dict.fromkeys(
        ", ".join(f"{name} {value}" for name, value in cell["environment"].items()) for cell in cells
    )
    for place, environment in enumerate(environments):
        found["bench run with" if place == 0 else f"and with ({place + 1})"] = environment
    return found
