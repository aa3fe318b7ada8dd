"""What a method is, and what it gets: the contract between a way of learning and the bench."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from skillstack.frames.store import Store
from skillstack.models.lora import LoraSpec
from skillstack.models.slot import Slot
from skillstack.training.job import Chain
from skillstack.training.methods.cost import Cost
from skillstack.training.methods.lessons import Floats, Lesson, Passages
from skillstack.training.recipe import Recipe


@dataclass(frozen=True)
class Place:
    """Where a method may keep a stack.

    :ivar store: the store.
    :ivar stack: the stack's name.
    :ivar fit_router: makes the router state of a chain.
    :ivar router_bytes: how large that is.
    """

    store: Store
    stack: str
    fit_router: Callable[[Chain], object]
    router_bytes: Callable[[Chain], int] = lambda chain: 0


@dataclass(frozen=True)
class Terms:
    """What every method is given; only the method itself differs.

    :ivar slot: the base and its one place for an adapter.
    :ivar spec: the adapter's shape.
    :ivar recipe: rows, steps, rates, loss and seed.
    :ivar tasks: how many there will be.
    :ivar settings: the method's own hyper-parameters, one value for each name of its grid.
    :ivar place: for methods that keep a stack.
    """

    slot: Slot
    spec: LoraSpec
    recipe: Recipe
    tasks: int
    settings: Mapping[str, float] = field(default_factory=dict)
    place: Place | None = None


class Learner(Protocol):
    """A model that learns task after task."""

    def learn(self, lesson: Lesson) -> None:
        """Learn the next task of the sequence; its number is how many came before."""

    def logits(self, task: int, passages: Passages, rows: Sequence[int] | None = None) -> Floats:
        """Logits ``[rows, labels]`` of a task learned so far, by the model as it is now; the task is given.

        :param rows: which of the passages; all of them by default.
        """

    def version(self, task: int) -> int:
        """Another number whenever the answers for a task may have changed."""

    @property
    def cost(self) -> Cost:
        """What it needed so far."""


@dataclass(frozen=True)
class Method:
    """A way to learn one task after another.

    :ivar name: as people type it.
    :ivar title: as a table shows it.
    :ivar paper: authors, year and address; empty for plain practice.
    :ivar make: a learner that has learned nothing yet.
    :ivar grid: the method's own hyper-parameters, each with values to choose among, the default first.
    :ivar late: whether it can answer only when the last task has come.
    :ivar stored: whether it keeps a stack in a store.
    """

    name: str
    title: str
    paper: str
    make: Callable[[Terms], Learner]
    grid: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    late: bool = False
    stored: bool = False

    @property
    def defaults(self) -> dict[str, float]:
        """The first value of each hyper-parameter."""
        return {name: values[0] for name, values in self.grid.items()}
