"""A cell of a bench: what one method gave on one order of the tasks with one seed, as its file holds it."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from skillstack.errors import UsageError
from skillstack.evaluation.intervals import rounded
from skillstack.evaluation.metrics import (
    Mask,
    Regret,
    WorstCase,
    accuracy,
    forgetting,
    macro,
    regret,
    worst_case,
)

_RANDOM = re.compile(r"random(?::([1-9][0-9]?))?")


@dataclass(frozen=True)
class TaskOrder:
    """One order.

    :ivar name: ``forward``, ``reverse``, or ``random-1``, ``random-2``, ...
    """

    name: str

    @property
    def kind(self) -> str:
        """``forward``, ``reverse`` or ``random``; what a table takes the mean over."""
        return self.name.partition("-")[0]

    def of(self, names: Sequence[str]) -> tuple[str, ...]:
        """These names in this order; a random one depends on its number and on the names alone."""
        if self.name == "reverse":
            return tuple(reversed(names))
        if self.kind == "random":
            mixed = sorted(names)
            random.Random(self.name).shuffle(mixed)
            return tuple(mixed)
        return tuple(names)


def parse_orders(text: str) -> tuple[TaskOrder, ...]:
    """The orders of ``forward,reverse,random:3``; the last one means three random orders.

    :raises UsageError: if it is none of these.
    """
    found: list[TaskOrder] = []
    for part in (part.strip().lower() for part in text.split(",")):
        several = _RANDOM.fullmatch(part)
        if several is not None:
            found += [TaskOrder(f"random-{number + 1}") for number in range(int(several[1] or 1))]
        elif part in ("forward", "reverse"):
            found.append(TaskOrder(part))
        else:
            raise UsageError(f"There is no order {part[:80]!r}.", "Use forward, reverse or random:3.")
    return tuple(dict.fromkeys(found))


def to_hex(mask: Mask) -> str:
    """A mask ``[rows]`` as hexadecimal digits, four rows each, the first row the highest bit."""
    return np.packbits(mask).tobytes().hex()


def from_hex(text: str, rows: int) -> Mask:
    """The mask of this many rows.

    :raises ValueError: if the text is no such mask.
    """
    data = bytes.fromhex(text)
    if len(data) != -(-rows // 8):
        raise ValueError(f"{len(data)} bytes hold no {rows} answers")
    bits = np.unpackbits(np.frombuffer(data, dtype=np.uint8)).astype(np.bool_)
    if bits[rows:].any():
        raise ValueError("bits are set behind the last answer")
    return bits[:rows]


SCHEMA = 1


@dataclass(frozen=True)
class Cost:
    """What a method needs besides time.

    :ivar parameters: numbers that were trained, over all tasks.
    :ivar bytes: weights and statistics that have to be kept to answer all tasks and to learn the next one.
    :ivar texts: bytes of training texts that have to be kept for the same.
    :ivar rows: training rows that passed through the model in these, each as often as it did.
    """

    parameters: int = 0
    bytes: int = 0
    texts: int = 0
    steps: int = 0
    rows: int = 0


@dataclass(frozen=True, eq=False)
class TaskResult:
    """What a method gave on the test rows of one task, when it had learned all of them.

    :ivar rows: SHA-256 over the rows and their labels, in order.
    :ivar right: ``[rows]``, whether the answer is right, with the task given.
    :ivar macro_f1: 0 to 1, with the task given.
    :ivar routed: ``[rows]``, whether the answer of the skill that the router picks is; None without router.
    :ivar at_home: ``[rows]``, whether the router picks the row's own skill.
    :ivar unaided: ``[rows]``, whether the answer among all classes of all tasks is; None where the method
        gives none.
    """

    task: str
    rows: str
    right: Mask
    macro_f1: float
    routed: Mask | None = None
    at_home: Mask | None = None
    unaided: Mask | None = None

    @property
    def accuracy(self) -> float:
        """With the task given, 0 to 1."""
        return accuracy(self.right)

    @property
    def regret(self) -> Regret | None:
        """What routing costs, and why."""
        if self.routed is None or self.at_home is None:
            return None
        return regret(self.right, self.routed, self.at_home)

    def to_json(self) -> dict[str, Any]:
        """For a file."""
        masks = {"routed": self.routed, "at_home": self.at_home, "unaided": self.unaided}
        return {
            "task": self.task,
            "n": len(self.right),
            "rows": self.rows,
            "accuracy": round(self.accuracy, 6),
            "macro_f1": round(self.macro_f1, 6),
            "right": to_hex(self.right),
            **{name: to_hex(mask) for name, mask in masks.items() if mask is not None},
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> TaskResult:
        """From a file.

        :raises ValueError: if something in it cannot be; likewise KeyError and TypeError.
        """
        n = int(value["n"])
        masks = {name: from_hex(value[name], n) for name in ("routed", "at_home", "unaided") if name in value}
        found = cls(
            task=str(value["task"]),
            rows=str(value["rows"]),
            right=from_hex(value["right"], n),
            macro_f1=float(value["macro_f1"]),
            **masks,
        )
        if abs(found.accuracy - float(value["accuracy"])) > 1e-5:
            raise ValueError(f"the accuracy of {found.task} is not that of its answers")
        return found


@dataclass(frozen=True)
class HyperparameterTrial:
    """Hyper-parameters and how they did on dev.

    :ivar settings: one value for each.
    :ivar dev: mean over tasks of the dev accuracy when all were learned, 0 to 1.
    """

    settings: Mapping[str, float]
    dev: float

    def to_json(self) -> dict[str, Any]:
        """For a file."""
        return {"settings": dict(self.settings), "dev": round(self.dev, 6)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> HyperparameterTrial:
        """From a file.

        :raises ValueError: if something in it cannot be; likewise KeyError and TypeError.
        """
        return cls(dict(value["settings"]), float(value["dev"]))


@dataclass(frozen=True, eq=False)
class BenchCell:
    """A finished cell.

    :ivar seed: of the recipe.
    :ivar configuration: everything that decides what comes out.
    :ivar digest: SHA-256 of that.
    :ivar command: what makes this very cell.
    :ivar environment: versions and machine.
    :ivar settings: the method's hyper-parameters.
    :ivar tried: what these were chosen among, on dev, with which order and seed; empty where there was no
        choice.
    :ivar seconds: that training took; None where a part was trained by an earlier process.
    :ivar processor: processor seconds of it, likewise.
    :ivar evaluation_seconds: that answering took.
    :ivar cost: what it needs besides time.
    :ivar tasks: results in the order in which the tasks came.
    :ivar trajectory: ``trajectory[k][i]``: accuracy of task i when k + 1 tasks were learned, on the first
        rows of each class; None for a method that answers nothing before the end.
    :ivar chosen_with: order and seed of the trials.
    """

    method: str
    order: str
    seed: int
    configuration: Mapping[str, Any]
    digest: str
    command: str
    environment: Mapping[str, str]
    settings: Mapping[str, float]
    tried: tuple[HyperparameterTrial, ...]
    seconds: float | None
    processor: float | None
    evaluation_seconds: float
    cost: Cost
    tasks: tuple[TaskResult, ...]
    trajectory: tuple[tuple[float, ...], ...] | None
    chosen_with: Mapping[str, Any] = field(default_factory=dict)

    @property
    def accuracy(self) -> float:
        """Mean over tasks, with the task given."""
        return macro([task.accuracy for task in self.tasks])

    @property
    def forgetting(self) -> float | None:
        """Mean over all tasks but the last of what was lost since they were learned."""
        if self.trajectory is None:
            return None
        learned = [row[place] for place, row in enumerate(self.trajectory)]
        return forgetting(learned, self.trajectory[-1]).mean

    @property
    def worst(self) -> WorstCase | None:
        """The lowest that accuracy fell to."""
        return None if self.trajectory is None else worst_case(self.trajectory)

    def to_json(self) -> dict[str, Any]:
        """For a file."""
        worst = self.worst
        return {
            "schema": SCHEMA,
            "method": self.method,
            "order": self.order,
            "seed": self.seed,
            "accuracy": round(self.accuracy, 6),
            "forgetting": rounded(self.forgetting),
            "min_acc": rounded(worst.min_acc if worst else None),
            "wc_acc": rounded(worst.wc_acc if worst else None),
            "seconds": None if self.seconds is None else round(self.seconds, 1),
            "processor_seconds": None if self.processor is None else round(self.processor, 1),
            "evaluation_seconds": round(self.evaluation_seconds, 1),
            "cost": asdict(self.cost),
            "settings": dict(self.settings),
            "tried": [one.to_json() for one in self.tried],
            "chosen_with": dict(self.chosen_with),
            "command": self.command,
            "digest": self.digest,
            "configuration": dict(self.configuration),
            "environment": dict(self.environment),
            "tasks": [task.to_json() for task in self.tasks],
            "trajectory": rounded(self.trajectory),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> BenchCell:
        """From a file.

        :raises ValueError: if something in it cannot be; likewise KeyError and TypeError.
        """
        if value["schema"] != SCHEMA:
            raise ValueError(f"schema {value['schema']!r} is not known")
        trajectory = value["trajectory"]
        return cls(
            method=str(value["method"]),
            order=str(value["order"]),
            seed=int(value["seed"]),
            configuration=dict(value["configuration"]),
            digest=str(value["digest"]),
            command=str(value["command"]),
            environment=dict(value["environment"]),
            settings=dict(value["settings"]),
            tried=tuple(map(HyperparameterTrial.from_json, value["tried"])),
            seconds=_number(value["seconds"]),
            processor=_number(value["processor_seconds"]),
            evaluation_seconds=float(value["evaluation_seconds"]),
            cost=Cost(**value["cost"]),
            tasks=tuple(TaskResult.from_json(task) for task in value["tasks"]),
            trajectory=None
            if trajectory is None
            else tuple(tuple(float(number) for number in row) for row in trajectory),
            chosen_with=dict(value["chosen_with"]),
        )


def mean_mask(masks: list[Mask | None]) -> float | None:
    """Mean over tasks of the shares of true entries; None where one is missing."""
    known = [mask for mask in masks if mask is not None]
    return macro([float(np.mean(mask)) for mask in known]) if known and len(known) == len(masks) else None


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
