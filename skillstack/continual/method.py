"""What a method is, and what it gets: the contract between a way of learning and the bench."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from skillstack.continual.cell import Cost
from skillstack.continual.tasks import SequenceTask
from skillstack.models.heads import Head
from skillstack.models.lora import LoraSpec
from skillstack.models.slot import Slot
from skillstack.store.records import Count
from skillstack.store.rows import Row
from skillstack.store.store import Store
from skillstack.training.candidates import FeatureHeads, FrameCandidate, preferred
from skillstack.training.encoded import EncodedDataset, Floats
from skillstack.training.plan import Chain
from skillstack.training.recipe import Recipe


def text_bytes(rows: Iterable[Row]) -> int:
    """UTF-8 bytes of the texts of rows."""
    return sum(len(row.text.encode()) + len((row.text_pair or "").encode()) for row in rows)


@dataclass(frozen=True)
class StackPlace:
    """Where a method may keep a stack.

    :ivar fit_router: makes the router state of a chain.
    :ivar router_bytes: how large that is.
    """

    store: Store
    stack: str
    fit_router: Callable[[Chain], object]
    router_bytes: Callable[[Chain], int] = lambda chain: 0


@dataclass(frozen=True)
class MethodContext:
    """What every method is given; only the method itself differs.

    :ivar slot: the base and its one place for an adapter.
    :ivar spec: the adapter's shape.
    :ivar recipe: rows, steps, rates, loss and seed.
    :ivar settings: the method's own hyper-parameters, one value for each name of its grid.
    :ivar place: for methods that keep a stack.
    """

    slot: Slot
    spec: LoraSpec
    recipe: Recipe
    tasks: int
    settings: Mapping[str, float] = field(default_factory=dict)
    place: StackPlace | None = None


class Learner(Protocol):
    """A model that learns task after task."""

    def learn(self, task: SequenceTask) -> None:
        """Learn the next task of the sequence; its number is how many came before."""

    def logits(self, task: int, dataset: EncodedDataset, rows: Sequence[int] | None = None) -> Floats:
        """Logits ``[rows, labels]`` of a task learned so far, by the model as it is now; the task is given.

        :param rows: which of the rows; all of them by default.
        """

    def version(self, task: int) -> int:
        """Another number whenever the answers for a task may have changed."""

    @property
    def cost(self) -> Cost:
        """What it needed so far."""


@dataclass(frozen=True)
class Method:
    """A way to learn one task after another.

    :ivar paper: authors, year and address; empty for plain practice.
    :ivar make: a learner that has learned nothing yet.
    :ivar grid: the method's own hyper-parameters, each with values to choose among, the default first.
    :ivar late: whether it can answer only when the last task has come.
    :ivar stored: whether it keeps a stack in a store.
    """

    name: str
    title: str
    paper: str
    make: Callable[[MethodContext], Learner]
    grid: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    late: bool = False
    stored: bool = False

    @property
    def defaults(self) -> dict[str, float]:
        """The first value of each hyper-parameter."""
        return {name: values[0] for name, values in self.grid.items()}


def feature_heads(context: MethodContext, task: SequenceTask, *, bare: bool) -> FeatureHeads:
    """Heads on a task's features as they are now.

    :param bare: whether what is in the slot changes nothing, so that the base's own features will do. The
        slot is cleared to read them.
    """
    slot = context.slot

    def read(rows: EncodedDataset) -> Floats:
        return rows.bare(slot) if bare else rows.features()

    return FeatureHeads(slot.base, task.train, task.dev, task.labels, read)


def starting_head(context: MethodContext, task: SequenceTask, *, bare: bool) -> Head:
    """The head that a frame would start from; `bare` as for `feature_heads`."""
    heads = feature_heads(context, task, bare=bare)
    return heads.starting(context.recipe, task.rendering.label_words)[0]


def frozen_head(context: MethodContext, task: SequenceTask) -> tuple[Head, Count]:
    """The logistic head on the bare base whose penalty dev prefers, with its dev accuracy."""
    return feature_heads(context, task, bare=True).best


@dataclass(frozen=True, eq=False)
class TaskModel:
    """What answers for a task.

    :ivar bare: whether it reads the features of the bare base, and no adapter.
    """

    head: Head
    bare: bool = False

    def logits(self, slot: Slot, rows: EncodedDataset, chosen: Sequence[int] | None) -> Floats:
        """Logits ``[rows, labels]``; with the slot's adapter, unless the head reads the bare base.

        :param chosen: which of the rows; all of them where it is None.
        """
        if not self.bare:
            return self.head.logits(rows.features(chosen))
        seen = rows.bare(slot)
        return self.head.logits(seen if chosen is None else seen[list(chosen)])


def answering_head(context: MethodContext, task: SequenceTask, trained: Head) -> TaskModel:
    """The head that dev prefers of those that a frame may end with: frozen-linear, trained and refitted.

    The slot holds the trained adapter, and may be clear afterwards.
    """
    heads = feature_heads(context, task, bare=False)
    found = [FrameCandidate("trained", None, trained, heads.measure(trained))]
    if context.recipe.refit:
        found.append(FrameCandidate("refit", None, *heads.best))
    frozen = FrameCandidate("frozen-linear", None, *frozen_head(context, task))
    chosen = preferred([frozen, *found])
    return TaskModel(chosen.head, bare=chosen is frozen)


def head_size(heads: Sequence[Head]) -> int:
    """Numbers in heads."""
    return sum(tensor.size for head in heads for tensor in head.tensors().values())
