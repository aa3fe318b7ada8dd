"""What a bench is asked for, resolved: tasks, methods, orders, seeds, recipe and base."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from skillstack.continual import registry
from skillstack.continual.cell import TaskOrder, parse_orders
from skillstack.continual.method import Method
from skillstack.continual.sequence import rows_digest
from skillstack.data.task import TaskData, rendering
from skillstack.errors import UsageError
from skillstack.evaluation.questions import PER_CLASS, test_rows
from skillstack.models.base import Base
from skillstack.store import canonical, fields
from skillstack.store.canonical import sha256
from skillstack.training.recipe import Recipe
from skillstack.training.resolve import PreparedTraining, prepare

#: Raised when equal configurations would give other results.
VERSION = 2

#: Fields of a recipe that the stack alone follows. Another value leaves other methods' results as they are.
OF_FRAMES = ("init", "keep_head", "router_samples")

#: What decides how a cell is examined, and neither what is learned nor what is chosen.
OF_TESTS = ("chosen_on_dev", "exams", "per_class")

#: Fields that the cell sets.
OF_CELLS = ("method", "seed")


@dataclass(frozen=True)
class CellKey:
    """One cell of a bench.

    :ivar order: in which the tasks come.
    :ivar seed: of the recipe.
    """

    method: str
    order: TaskOrder
    seed: int


@dataclass(frozen=True)
class BenchRequest:
    """A bench.

    :ivar name: of the sequence of tasks: the preset's, or ``tasks``.
    :ivar model: what people call the base.
    :ivar tasks: with their rows, forward.
    :ivar recipe: of all methods; the seed comes from the cell.
    :ivar precision: how the base is held.
    :ivar orders: in which tasks come; the first one and the first seed are those of the choices.
    :ivar seeds: of the recipe.
    :ivar per_class: test rows of each class; None for all.
    :ivar choose: whether hyper-parameters are chosen on dev; else the defaults are taken.
    :ivar command: what was asked, without methods, orders and seeds.
    """

    name: str
    model: str
    tasks: tuple[TaskData, ...]
    recipe: Recipe
    precision: str
    load: Callable[[], Base]
    methods: tuple[str, ...]
    orders: tuple[TaskOrder, ...] = (TaskOrder("forward"),)
    seeds: tuple[int, ...] = (42,)
    per_class: int | None = PER_CLASS
    choose: bool = True
    command: str = "skillstack bench"

    @cached_property
    def test_digests(self) -> tuple[str, ...]:
        """Digests of the test rows of each task.

        :raises InputError: if a task has none.
        """
        return tuple(rows_digest(test_rows(data, self.per_class)) for data in self.tasks)

    def cells(self) -> tuple[CellKey, ...]:
        """Every cell, seed by seed, as what is computed for a seed serves all methods."""
        return tuple(
            CellKey(method, order, seed)
            for seed in self.seeds
            for order in self.orders
            for method in self.methods
        )

    def folder(self) -> str:
        """Name of the folder of its results."""
        return f"{self.name}-{_as_name(self.model)}"

    def common(self, base: Base) -> dict[str, Any]:
        """What all cells share that decides their results."""
        return {
            "base": {
                "name": base.identity.name,
                "revision": base.identity.revision,
                "weights": base.identity.weights,
                "tokenizer": base.identity.tokenizer,
                "precision": base.precision,
            },
            "chosen_on_dev": self.choose,
            "exams": list(self.test_digests),
            "per_class": self.per_class,
            "recipe": {k: v for k, v in self.recipe.to_record().items() if k not in OF_FRAMES + OF_CELLS},
            "tasks": [
                {
                    "name": data.task.name,
                    "digest": data.source.digest,
                    "labels": list(data.task.labels),
                    "shown": fields.plain(rendering(data.task, base.kind, self.recipe.max_length)),
                }
                for data in self.tasks
            ],
            "version": VERSION,
        }

    def frames(self) -> dict[str, Any]:
        """Fields of the recipe that frames alone follow."""
        record = self.recipe.to_record()
        return {name: record[name] for name in OF_FRAMES}

    def configuration(self, base: Base, key: CellKey) -> dict[str, Any]:
        """Everything that decides a cell's results."""
        names = [data.task.name for data in self.tasks]
        own = {"frames": self.frames()} if key.method == "skillstack" else {}
        return {
            **self.common(base),
            **own,
            "method": key.method,
            "grid": _grid(registry.method(key.method)),
            "order": list(key.order.of(names)),
            "seed": key.seed,
        }

    def command_of(self, key: CellKey) -> str:
        """What makes one cell."""
        return f"{self.command} --methods {key.method} --seeds {key.seed} --order {_typed(key.order)}"


def digest_of(configuration: Mapping[str, Any]) -> str:
    """SHA-256 of a configuration; the hints of the base's name count for nothing."""
    base = {name: configuration["base"][name] for name in ("weights", "tokenizer", "precision")}
    return sha256(canonical.dumps({**configuration, "base": base}))


def training_digest(configuration: Mapping[str, Any]) -> str:
    """SHA-256 of what decides a stack, whatever it is asked afterwards."""
    return digest_of({name: value for name, value in configuration.items() if name not in OF_TESTS})


def choice_digest(common: Mapping[str, Any], method: Method) -> str:
    """SHA-256 of what a choice of hyper-parameters holds for: any order and any seed."""
    return training_digest({**common, "method": method.name, "grid": _grid(method)})


def resolve(
    *,
    preset: str | None = None,
    tasks: Sequence[str] = (),
    methods: Sequence[str] = ("all",),
    seeds: Sequence[int] = (42,),
    orders: str = "forward",
    per_class: int | None = PER_CLASS,
    choose: bool = True,
    data_dir: Path | None = None,
    model: str | None = None,
    precision: str | None = None,
    device: str = "auto",
    overrides: Mapping[str, Any] | None = None,
) -> BenchRequest:
    """Resolve and check what a person asks for; nothing is written or trained.

    :param overrides: fields of the recipe that differ from those of base and preset.
    :raises UsageError: if a name, an option or a combination cannot be meant.
    :raises InputError: if a task's data are broken.
    """
    if not seeds:
        raise UsageError("No seed is given.", "For example --seeds 42,123,7.")
    if per_class is not None and per_class < 1:
        raise UsageError(f"There cannot be {per_class} test rows per class.", "Give at least 1, or all.")
    wanted, given = registry.check_names(methods), dict(overrides or {})
    for field in ("seed", "method"):
        if field in given:
            raise UsageError(f"A bench sets the recipe's {field} itself.", f"Use --{field}s instead.")
    parsed = parse_orders(orders)
    prepared: PreparedTraining = prepare(
        preset=preset,
        tasks=tasks,
        data_dir=data_dir,
        model=model,
        precision=precision,
        device=device,
        overrides=given,
    )
    for seed in seeds:
        replace(prepared.job.recipe, seed=seed)  # which says whether it is one
    return BenchRequest(
        name=preset or "tasks",
        model=model or "minilm",
        tasks=prepared.job.tasks,
        recipe=prepared.job.recipe,
        precision=prepared.job.precision,
        load=prepared.load,
        methods=wanted,
        orders=parsed,
        seeds=tuple(dict.fromkeys(seeds)),
        per_class=per_class,
        choose=choose,
        command=_command(preset, tasks, per_class, choose, data_dir, model, precision, given),
    )


def _command(
    preset: str | None,
    tasks: Sequence[str],
    per_class: int | None,
    choose: bool,
    data_dir: Path | None,
    model: str | None,
    precision: str | None,
    overrides: Mapping[str, Any],
) -> str:
    """What to type for it, without this machine's paths."""
    parts = ["skillstack bench", f"--preset {preset}" if preset else ""]
    parts += [f"--task {name}" for name in tasks]
    parts += [f"--data-dir {data_dir.name}" if data_dir is not None else ""]
    parts += [f"--model {_as_name(model) if Path(model).is_absolute() else model}" if model else ""]
    parts += [f"--precision {precision}" if precision else ""]
    parts += [f"--eval-samples-per-class {per_class or 'all'}" if per_class != PER_CLASS else ""]
    parts += ["" if choose else "--no-choose"]
    parts += [f"--set {key}={value}" for key, value in sorted(overrides.items())]
    return " ".join(part for part in parts if part)


def _typed(order: TaskOrder) -> str:
    """How an order is asked for; the third random one comes with the first two."""
    return f"random:{order.name.partition('-')[2]}" if order.kind == "random" else order.name


def _grid(method: Method) -> dict[str, list[str]]:
    return {name: [repr(value) for value in values] for name, values in method.grid.items()}


def _as_name(model: str) -> str:
    last = re.split(r"[\\/]", model.rstrip("\\/"))[-1].lower()
    return re.sub(r"[^a-z0-9._-]+", "-", last).strip("-.") or "base"
