"""Two tiny tasks on a tiny base, and learners of any method for them."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from skillstack.continual import registry
from skillstack.continual.method import Learner, MethodContext, StackPlace
from skillstack.continual.tasks import CostLedger, SequenceTask, SequenceTasks
from skillstack.data.sources import load_task
from skillstack.models.slot import Slot
from skillstack.store.store import Store

from ..world import RECIPE

TASKS = ("imdb_sentences", "banking")


class Room:
    """Where methods learn: one base, one slot, the same sequence for all."""

    def __init__(self, base, tmp_path, tasks: Sequence[str] = TASKS, **recipe: Any):
        self.slot, self.ledger = Slot(base), CostLedger()
        self.recipe = replace(RECIPE, **recipe)
        self._tmp_path, self._made = tmp_path, 0
        self._names = tuple(tasks)
        self.tasks = tuple(load_task(name) for name in tasks)
        self.sequence = SequenceTasks(self.slot, self.recipe, self.tasks, self.ledger)

    def order(self, *names: str) -> tuple[SequenceTask, ...]:
        return self.sequence.inorder(names or self._names)

    def context(self, method: str, **settings: float) -> MethodContext:
        self._made += 1
        store = Store.create(self._tmp_path / f"store-{self._made}")
        known = registry.method(method)
        return MethodContext(
            slot=self.slot,
            spec=self.sequence.spec,
            recipe=self.recipe,
            tasks=len(self._names),
            settings={**known.defaults, **settings},
            place=StackPlace(store, "main", lambda chain: None),
        )

    def learner(self, method: str, *order: str, learn: int = 2, **settings: float) -> Learner:
        made = registry.method(method).make(self.context(method, **settings))
        for task in self.order(*order)[:learn]:
            made.learn(task)
        return made


@pytest.fixture
def make_room(encoder, tmp_path) -> Callable[..., Room]:
    """Makes a room whose tasks or recipe differ."""
    return lambda **changes: Room(encoder, tmp_path, **changes)


@pytest.fixture
def room(make_room) -> Room:
    """A room around the random encoder."""
    return make_room()
