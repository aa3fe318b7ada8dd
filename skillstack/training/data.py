"""The rows of one frame's training: what it learns from, what chooses, what the router is fitted on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from skillstack.data.splits import router_rows, sample, split
from skillstack.data.task import Example, Task, TaskData
from skillstack.errors import InputError
from skillstack.store import canonical
from skillstack.store.canonical import sha256
from skillstack.store.rows import Row
from skillstack.training.recipe import Recipe


@dataclass(frozen=True)
class FrameData:
    """The rows of one frame's training.

    :ivar task: what is taught.
    :ivar train: rows that decide the weights.
    :ivar dev: rows that decide between candidates; where all rows are learned from, some of these.
    :ivar router: rows that the router is fitted on.
    :ivar source: where they came from, for the skill's record.
    """

    task: Task
    train: tuple[Example, ...]
    dev: tuple[Example, ...]
    router: tuple[Row, ...]
    source: dict[str, str]

    def digest(self) -> str:
        """SHA-256 over every row and label, in order."""
        parts = [
            [[example.row.digest(), example.label] for example in part] for part in (self.train, self.dev)
        ]
        return sha256(canonical.dumps([*parts, [row.digest() for row in self.router]]))


def choose_rows(data: TaskData, recipe: Recipe) -> FrameData:
    """Split a task's rows and sample them as the recipe says.

    :raises InputError: if a class is left without training rows.
    """
    task = data.task
    sides = split(data.train, data.validation)
    if recipe.takes_all_rows:
        guard = () if recipe.hold_guard else sides.guard
        sides = replace(sides, train=(*sides.train, *sides.dev, *guard))
    everything = max(1, len(sides.train))
    train = sample(sides.train, recipe.samples_per_class or everything, recipe.seed, task.name)
    missing = set(range(len(task.labels))) - {example.label for example in train}
    if missing:
        names = ", ".join(repr(task.labels[label]) for label in sorted(missing)[:5])
        raise InputError(f"The task {task.name!r} has no training rows of {names}.", "Add some rows of it.")
    per_class = -(-recipe.dev_samples // len(task.labels))
    return FrameData(
        task=task,
        train=train,
        dev=sample(sides.dev, max(1, per_class), recipe.seed, task.name),
        router=router_rows(sides.train, recipe.router_samples, recipe.seed, task.name),
        source=asdict(data.source),
    )


def labels_of(examples: Sequence[Example]) -> list[int]:
    """Labels, in order."""
    return [example.label for example in examples]


def rows_of(examples: Sequence[Example]) -> list[Row]:
    """Rows, in order."""
    return [example.row for example in examples]
