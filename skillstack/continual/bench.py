"""Running a bench: cell after cell, each kept as soon as it is finished."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from skillstack.continual import registry
from skillstack.continual.cell import BenchCell
from skillstack.continual.files import Results
from skillstack.continual.method import Method, MethodContext, StackPlace
from skillstack.continual.request import BenchRequest, CellKey, choice_digest, digest_of, training_digest
from skillstack.continual.sequence import (
    HyperparameterChoice,
    TaskTest,
    Taught,
    choose,
    dev_accuracy,
    examine,
    task_test,
    teach,
)
from skillstack.continual.tasks import CostLedger, SequenceTask, SequenceTasks, split_of
from skillstack.models.base import Base
from skillstack.models.lora import LoraSpec
from skillstack.models.slot import Slot
from skillstack.routers.stack_router import StackRouter
from skillstack.store.store import Store
from skillstack.training.execution import code_digest, environment
from skillstack.training.plan import Chain
from skillstack.training.recipe import Recipe


@dataclass(frozen=True)
class BenchProgress:
    """What a bench tells while it runs.

    :ivar place: number of the cell, from 1.
    :ivar of: cells in all.
    :ivar settings: those that are being trained with.
    :ivar trial: whether this is a trial of settings and not the cell itself.
    :ivar learned: tasks learned so far.
    :ivar tasks: tasks in all.
    :ivar accuracy: of the finished cell, or of the trial's dev rows; None before.
    :ivar seconds: since the cell or the trial began.
    :ivar kept: whether the cell was finished before.
    """

    place: int
    of: int
    key: CellKey
    settings: Mapping[str, float]
    trial: bool
    learned: int
    tasks: int
    accuracy: float | None
    seconds: float
    kept: bool = False


Listener = Callable[[BenchProgress], None]


def run(
    request: BenchRequest, results: Results, store: Path, tell: Listener = lambda progress: None
) -> tuple[BenchCell, ...]:
    """The cells of a bench; those that are finished already are read and not made again.

    :param store: folder of a store for methods that keep a stack; it is made where there is none.
    :raises InputError: if a result there cannot be read or is of another bench, or a task has no test rows.
    :raises SkillStackError: one of its kinds, if a method cannot.
    """
    base = request.load()
    keys = request.cells()
    digests = [digest_of(request.configuration(base, key)) for key in keys]
    # What is wrong with a file is better told now than after hours.
    results.check(request.common(base), request.frames())
    found = [
        results.cell(key.method, key.order.name, key.seed, digest)
        for key, digest in zip(keys, digests, strict=True)
    ]
    bench = _Bench(request, results, store, base, tell)
    cells = []
    for place, (key, digest, cell) in enumerate(zip(keys, digests, found, strict=True), start=1):
        if cell is None:
            cell = bench.cell(place, key, digest)
        else:
            tasks = len(request.tasks)
            tell(
                BenchProgress(
                    place, len(keys), key, cell.settings, False, tasks, tasks, cell.accuracy, 0.0, True
                )
            )
        cells.append(cell)
    return tuple(cells)


class _Bench:
    """Makes cells. What one seed's methods share is kept until the next seed comes."""

    def __init__(
        self, request: BenchRequest, results: Results, store: Path, base: Base, tell: Listener
    ) -> None:
        self.request, self.results, self.base, self._tell = request, results, base, tell
        self._store_folder = store
        self._slot, self._ledger = Slot(base), CostLedger()
        self._sequence: tuple[int, SequenceTasks] | None = None
        self._tests: dict[str, TaskTest] = {}
        self._count = len(request.cells())

    def cell(self, place: int, key: CellKey, digest: str) -> BenchCell:
        """Train, examine and keep."""
        method = registry.method(key.method)
        tasks, tests = self._rows(key)
        choice = self._choice(place, method)
        taught = choice.taught
        if taught is None or choice.chosen_with != _where(key):
            taught = self._teach(place, key, choice.settings)
        began = time.perf_counter()
        results = examine(taught.learner, tasks, tests)
        last = tuple(
            one.accuracy_on_the_way(result.right) for one, result in zip(tests, results, strict=True)
        )
        cell = BenchCell(
            method=key.method,
            order=key.order.name,
            seed=key.seed,
            configuration=self.request.configuration(self.base, key),
            digest=digest,
            command=self.request.command_of(key),
            environment={**environment(), "code": code_digest()},
            settings=choice.settings,
            tried=choice.tried,
            seconds=None if taught.resumed else taught.spent.seconds,
            processor=None if taught.resumed else taught.spent.processor,
            evaluation_seconds=time.perf_counter() - began,
            cost=taught.learner.cost,
            tasks=results,
            trajectory=None if method.late else (*taught.trajectory, last),
            chosen_with=choice.chosen_with or {},
        )
        # Whoever listens may end the bench; what is finished is kept before that.
        self.results.put_cell(cell)
        self._say(place, key, choice.settings, len(results), taught.spent.seconds, accuracy=cell.accuracy)
        return cell

    def _choice(self, place: int, method: Method) -> HyperparameterChoice:
        """The method's settings; found out with the first seed and order, whatever cell needs them first."""
        if not self.request.choose:
            return HyperparameterChoice(method.defaults)
        key = CellKey(method.name, self.request.orders[0], self.request.seeds[0])

        def trial(settings: Mapping[str, float]) -> tuple[Taught, float]:
            taught = self._teach(place, key, settings, trial=True)
            return taught, dev_accuracy(taught.learner, self._rows(key)[0])

        def kept(settings: Mapping[str, float], taught: Taught, dev: float) -> None:
            seconds = taught.spent.seconds
            self._say(place, key, settings, len(self.request.tasks), seconds, trial=True, accuracy=dev)

        digest = choice_digest(self.request.common(self.base), method)
        return choose(method, self.results, digest, _where(key), trial, kept)

    def _teach(
        self, place: int, key: CellKey, settings: Mapping[str, float], *, trial: bool = False
    ) -> Taught:
        tasks, tests = self._rows(key)
        context = MethodContext(
            slot=self._slot,
            spec=self._spec(key),
            recipe=self._recipe(key),
            tasks=len(tasks),
            settings=settings,
            place=self._place(key),
        )
        began = time.perf_counter()

        def tell(learned: int) -> None:
            self._say(place, key, settings, learned, time.perf_counter() - began, trial=trial)

        tell(0)
        return teach(registry.method(key.method), context, tasks, tests, self._ledger, tell)

    def _say(
        self,
        place: int,
        key: CellKey,
        settings: Mapping[str, float],
        learned: int,
        seconds: float,
        *,
        trial: bool = False,
        accuracy: float | None = None,
    ) -> None:
        tasks = len(self.request.tasks)
        self._tell(BenchProgress(place, self._count, key, settings, trial, learned, tasks, accuracy, seconds))

    def _recipe(self, key: CellKey) -> Recipe:
        return replace(self.request.recipe, seed=key.seed)

    def _spec(self, key: CellKey) -> LoraSpec:
        return self._of_seed(key).spec

    def _of_seed(self, key: CellKey) -> SequenceTasks:
        if self._sequence is None or self._sequence[0] != key.seed:
            self._sequence = None
            made = SequenceTasks(self._slot, self._recipe(key), self.request.tasks, self._ledger)
            self._sequence = key.seed, made
        return self._sequence[1]

    def _rows(self, key: CellKey) -> tuple[Sequence[SequenceTask], Sequence[TaskTest]]:
        """Tasks and tests of a cell, in its order."""
        names = key.order.of([data.task.name for data in self.request.tasks])
        sequence = self._of_seed(key)
        if not self._tests:
            recipe, per_class = self.request.recipe, self.request.per_class
            split = split_of(self._slot, sequence.spec, recipe)
            self._tests = {
                data.task.name: task_test(split, data, per_class, recipe.max_length)
                for data in self.request.tasks
            }
        return sequence.inorder(names), [self._tests[name] for name in names]

    def _place(self, key: CellKey) -> StackPlace | None:
        if not registry.method(key.method).stored:
            return None
        root = self._store_folder
        store = Store.open(root) if (root / "store.json").is_file() else Store.create(root)
        # Its name says what it is, so that a training that was stopped goes on.
        stack = f"bench-{training_digest(self.request.configuration(self.base, key))[:16]}"
        router = StackRouter(store, stack)

        def size(chain: Chain) -> int:
            return sum(len(data) for data in router.files(chain).values())

        return StackPlace(store, stack, router.fit, size)


def _where(key: CellKey) -> dict[str, object]:
    return {"order": key.order.name, "seed": key.seed}
