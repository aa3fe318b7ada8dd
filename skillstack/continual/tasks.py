"""The tasks of a sequence as every method meets them: the same rows, encoded once and charged to each."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from skillstack.data.task import TaskData
from skillstack.models.lora import LoraSpec
from skillstack.models.slot import Slot
from skillstack.models.split import SplitModel
from skillstack.store.records import Rendering
from skillstack.training.data import FrameData
from skillstack.training.encoded import EncodedDataset
from skillstack.training.fit import lora_spec
from skillstack.training.plan import FramePlan, TrainingPlan, plan_of
from skillstack.training.recipe import Recipe

T = TypeVar("T")


@dataclass(frozen=True)
class Spent:
    """Time.

    :ivar seconds: by the clock on the wall.
    :ivar processor: of this process, in seconds.
    """

    seconds: float = 0.0
    processor: float = 0.0

    def __add__(self, other: Spent) -> Spent:
        return Spent(self.seconds + other.seconds, self.processor + other.processor)

    def __sub__(self, other: Spent) -> Spent:
        return Spent(self.seconds - other.seconds, self.processor - other.processor)

    @classmethod
    def now(cls) -> Spent:
        """Both clocks; the difference of two of these is what was spent."""
        return cls(time.perf_counter(), time.process_time())


class CostLedger:
    """Charges each training once for each thing that it found ready.

    :ivar saved: what the present training saved so far.
    """

    def __init__(self) -> None:
        self.saved = Spent()
        self._charged: set[int] = set()

    def start(self) -> None:
        """Another training begins."""
        self.saved, self._charged = Spent(), set()

    def kept(self, make: Callable[[], T]) -> Callable[[], T]:
        """A function that computes a value once, and charges each training that asks for it."""
        return Kept(self, make).get

    def charge(self, thing: object, cost: Spent, *, made_now: bool) -> None:
        """Note that the present training uses a thing."""
        if id(thing) not in self._charged:
            self._charged.add(id(thing))
            if not made_now:
                self.saved += cost


class Kept(Generic[T]):
    """A value that is computed when it is first asked for.

    :param make: computes it. What it is made of has to be asked for before, so that it is charged once, by
        itself.
    """

    def __init__(self, ledger: CostLedger, make: Callable[[], T]) -> None:
        self._ledger, self._make = ledger, make
        self._value: T | None = None
        self._cost = Spent()

    def get(self) -> T:
        """The value."""
        made_now = self._value is None
        if self._value is None:
            before = Spent.now()
            self._value = self._make()
            self._cost = Spent.now() - before
        self._ledger.charge(self, self._cost, made_now=made_now)
        return self._value


@dataclass(frozen=True, eq=False)
class SequenceTask:
    """One task of a sequence.

    :ivar number: its place, from 0.
    :ivar source: the task with all of its rows.
    :ivar data: the rows that a training may see.
    :ivar rendering: how they are shown to the base.
    :ivar train: those that decide the weights.
    :ivar dev: those on which choices are made.
    """

    number: int
    source: TaskData
    data: FrameData
    rendering: Rendering
    train: EncodedDataset
    dev: EncodedDataset

    @property
    def labels(self) -> int:
        """How many there are."""
        return len(self.data.task.labels)


class SequenceTasks:
    """Makes the tasks of one recipe on one base, and keeps them for the next method.

    :ivar spec: the adapter's shape that the recipe asks for.
    """

    def __init__(self, slot: Slot, recipe: Recipe, tasks: Sequence[TaskData], ledger: CostLedger) -> None:
        """Choose the rows.

        :param tasks: in any order; `inorder` arranges them.
        """
        self._ledger = ledger
        base, job = slot.base, TrainingPlan("bench", tuple(tasks), recipe, slot.base.precision)
        plans = {one.task.name: plan_of(job, one, (), base.identity, base.kind) for one in tasks}
        self.spec: LoraSpec = lora_spec(next(iter(plans.values())))
        self._split = split_of(slot, self.spec, recipe)
        self._made = {source.task.name: self._make(source, plans[source.task.name]) for source in tasks}

    def inorder(self, names: Sequence[str]) -> tuple[SequenceTask, ...]:
        """The tasks in an order of the tasks' names."""
        return tuple(replace(self._made[name], number=number) for number, name in enumerate(names))

    def _make(self, source: TaskData, plan: FramePlan) -> SequenceTask:
        train, dev = (
            EncodedDataset.of(self._split, part, plan.rendering, once=self._ledger.kept)
            for part in (plan.data.train, plan.data.dev)
        )
        return SequenceTask(0, source, plan.data, plan.rendering, train, dev)


def split_of(slot: Slot, spec: LoraSpec, recipe: Recipe) -> SplitModel:
    """The base cut below the lowest adapted layer, where the recipe keeps lower states."""
    return SplitModel(slot.base, spec.first_layer if recipe.cache else 0)
