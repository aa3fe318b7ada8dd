"""What a method is, and what it gets: the contract between a way of learning and the bench."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from skillstack.continual.cost import Cost
from skillstack.continual.lessons import EncodedDataset, Floats, SequenceTask
from skillstack.models.heads import Head, centred, fit_logistic, label_word_head
from skillstack.models.lora import LoraSpec
from skillstack.models.slot import Slot
from skillstack.store.records import Count
from skillstack.store.store import Store
from skillstack.training.candidates import best_logistic, measure
from skillstack.training.plan import Chain
from skillstack.training.recipe import Recipe


@dataclass(frozen=True)
class StackPlace:
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
class MethodContext:
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
    place: StackPlace | None = None


class Learner(Protocol):
    """A model that learns task after task."""

    def learn(self, lesson: SequenceTask) -> None:
        """Learn the next task of the sequence; its number is how many came before."""

    def logits(self, task: int, passages: EncodedDataset, rows: Sequence[int] | None = None) -> Floats:
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
    make: Callable[[MethodContext], Learner]
    grid: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    late: bool = False
    stored: bool = False

    @property
    def defaults(self) -> dict[str, float]:
        """The first value of each hyper-parameter."""
        return {name: values[0] for name, values in self.grid.items()}


def starting_head(terms: MethodContext, lesson: SequenceTask, *, bare: bool) -> Head:
    """The logistic head of the recipe's penalty on the features as they are now, or a decoder's label words.

    :param bare: whether what is in the slot changes nothing yet, so that the base's own features will do.
        The slot is cleared for them.
    """
    recipe, base = terms.recipe, terms.slot.base
    decoder = base.kind == "decoder"
    words = lesson.rendering.label_words if decoder and recipe.words else ()
    seen = _features(lesson.train, bare=bare)
    if recipe.start_penalty and not words:
        # Nothing is chosen on dev, so it is not read.
        return fit_logistic(
            seen, lesson.train_labels, lesson.labels, recipe.start_penalty, standardise=decoder
        )
    seen_dev = _features(lesson.dev, bare=bare)
    if recipe.start_penalty:
        head = fit_logistic(
            seen, lesson.train_labels, lesson.labels, recipe.start_penalty, standardise=decoder
        )
    else:
        head, _ = best_logistic(
            seen, lesson.train_labels, seen_dev, lesson.dev_labels, lesson.labels, standardise=decoder
        )
    if words:
        count = measure(head, seen_dev, lesson.dev_labels)
        plain = label_word_head(base, words)
        for rival in (plain, centred(plain, seen)):
            rival_count = measure(rival, seen_dev, lesson.dev_labels)
            if rival_count.correct >= count.correct:
                head, count = rival, rival_count
    return head


@dataclass(frozen=True, eq=False)
class TaskModel:
    """What answers for a task.

    :ivar head: the head.
    :ivar bare: whether it reads the features of the bare base, and no adapter.
    """

    head: Head
    bare: bool = False


def answering_head(terms: MethodContext, lesson: SequenceTask, trained: Head) -> TaskModel:
    """The head that dev prefers of those that a frame may end with: frozen-linear, trained and refitted.

    Of equals the later one, as in a frame's training. The slot holds the trained adapter, and may be clear
    afterwards.
    """
    standardise = terms.slot.base.kind == "decoder"
    seen_dev = lesson.dev.features()
    found = [(measure(trained, seen_dev, lesson.dev_labels).correct, TaskModel(trained))]
    if terms.recipe.refit:
        fitted, count = best_logistic(
            lesson.train.features(),
            lesson.train_labels,
            seen_dev,
            lesson.dev_labels,
            lesson.labels,
            standardise=standardise,
        )
        found.append((count.correct, TaskModel(fitted)))
    frozen, count = frozen_head(terms, lesson)
    found.insert(0, (count.correct, TaskModel(frozen, bare=True)))
    most = max(correct for correct, _ in found)
    return [answering for correct, answering in found if correct == most][-1]


def frozen_head(terms: MethodContext, lesson: SequenceTask) -> tuple[Head, Count]:
    """The logistic head on the bare base whose penalty dev prefers, with its dev accuracy."""
    return best_logistic(
        lesson.train.bare(),
        lesson.train_labels,
        lesson.dev.bare(),
        lesson.dev_labels,
        lesson.labels,
        standardise=terms.slot.base.kind == "decoder",
    )


def head_logits(answering: TaskModel, passages: EncodedDataset, rows: Sequence[int] | None) -> Floats:
    """Logits ``[rows, labels]``; with the slot's adapter, unless the head reads the bare base."""
    if not answering.bare:
        return answering.head.logits(passages.features(rows))
    seen = passages.bare()
    return answering.head.logits(seen if rows is None else seen[list(rows)])


def _features(passages: EncodedDataset, *, bare: bool) -> Floats:
    return passages.bare() if bare else passages.features()


def head_size(heads: Sequence[Head]) -> int:
    """Numbers in heads."""
    return sum(tensor.size for head in heads for tensor in head.tensors().values())
