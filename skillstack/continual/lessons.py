"""The tasks of a sequence as every method meets them: the same rows, encoded once, lower states kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skillstack.continual.cost import CostLedger, Kept
from skillstack.data.task import TaskData, rendering
from skillstack.models.encoding import encode
from skillstack.models.features import HiddenCache, features
from skillstack.models.lora import LoraSpec
from skillstack.models.slot import Slot
from skillstack.models.split import SplitModel
from skillstack.store.records import Rendering
from skillstack.store.rows import Row
from skillstack.training.data import FrameData, choose_rows, labels_of, rows_of
from skillstack.training.frame import lora_spec
from skillstack.training.plan import FramePlan
from skillstack.training.recipe import Recipe

Floats = NDArray[np.float32]


class EncodedDataset:
    """Rows that the base reads, and what is kept of them.

    :ivar rows: the rows.
    :ivar rendering: how they are shown to the base.
    """

    def __init__(
        self, slot: Slot, split: SplitModel, ledger: CostLedger, rows: Sequence[Row], rendering: Rendering
    ) -> None:
        self.rows, self.rendering = tuple(rows), rendering
        self._slot, self._split = slot, split
        self._cache = Kept(ledger, self._fill)
        self._bare = Kept(ledger, self._read_bare)

    @property
    def cache(self) -> HiddenCache:
        """Their lower states."""
        return self._cache.get()

    def features(self, rows: Sequence[int] | None = None) -> Floats:
        """Features ``[rows, hidden_size]`` with the adapter that is in the slot now."""
        return features(self.cache, rows=rows)

    def bare(self) -> Floats:
        """Features ``[rows, hidden_size]`` of the base alone; the slot is cleared for it."""
        self._cache.get()  # first, as it is charged by itself
        return self._bare.get()

    def shown(self, rows: Sequence[int], rendering: Rendering) -> EncodedDataset:
        """Some of the rows, shown in another way."""
        chosen = [self.rows[row] for row in rows]
        return EncodedDataset(self._slot, self._split, CostLedger(), chosen, rendering)

    def _fill(self) -> HiddenCache:
        cache = HiddenCache(self._split, encode(self._slot.base, self.rows, self.rendering))
        cache.fill()
        return cache

    def _read_bare(self) -> Floats:
        self._slot.clear()
        return self.features()


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

    @property
    def train_labels(self) -> list[int]:
        """Of the rows to learn from."""
        return labels_of(self.data.train)

    @property
    def dev_labels(self) -> list[int]:
        """Of the rows to choose on."""
        return labels_of(self.data.dev)


class SequenceTasks:
    """Makes the lessons of one recipe on one base, and keeps them for the next method.

    :ivar spec: the adapter's shape that the recipe asks for.
    """

    def __init__(self, slot: Slot, recipe: Recipe, tasks: Sequence[TaskData], ledger: CostLedger) -> None:
        """Choose the rows.

        :param tasks: in any order; `inorder` arranges them.
        """
        self._slot, self._recipe, self._ledger = slot, recipe, ledger
        plans = {source.task.name: self._plan(source) for source in tasks}
        self.spec: LoraSpec = lora_spec(next(iter(plans.values())))
        self._split = split_of(slot, self.spec, recipe)
        self._made = {source.task.name: self._make(source, plans[source.task.name]) for source in tasks}

    def inorder(self, names: Sequence[str]) -> tuple[SequenceTask, ...]:
        """The lessons in an order of the tasks' names."""
        return tuple(self._numbered(number, self._made[name]) for number, name in enumerate(names))

    def _numbered(self, number: int, made: SequenceTask) -> SequenceTask:
        return SequenceTask(number, made.source, made.data, made.rendering, made.train, made.dev)

    def _plan(self, source: TaskData) -> FramePlan:
        base = self._slot.base
        kind = base.kind
        return FramePlan(
            data=choose_rows(source, self._recipe),
            recipe=self._recipe,
            rendering=rendering(source.task, kind, self._recipe.max_length),
            base=base.identity,
            precision=base.precision,
            position=0,
            starts=(),
            keep_texts=True,
        )

    def _make(self, source: TaskData, plan: FramePlan) -> SequenceTask:
        train, dev = (
            EncodedDataset(self._slot, self._split, self._ledger, rows_of(part), plan.rendering)
            for part in (plan.data.train, plan.data.dev)
        )
        return SequenceTask(0, source, plan.data, plan.rendering, train, dev)


def split_of(slot: Slot, spec: LoraSpec, recipe: Recipe) -> SplitModel:
    """The base cut below the lowest adapted layer, where the recipe keeps lower states."""
    return SplitModel(slot.base, spec.first_layer if recipe.cache else 0)
