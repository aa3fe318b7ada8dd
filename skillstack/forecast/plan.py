"""What is asked of a training and what it would do, frame by frame, told before it begins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from skillstack.forecast.estimate import Estimate, adapter_bytes, estimate
from skillstack.forecast.facts import BaseFacts, TaskFacts, base_facts, task_facts
from skillstack.forecast.machine import this_machine
from skillstack.models.devices import describe, rules
from skillstack.models.sources import DEFAULT
from skillstack.store.store import Store
from skillstack.training.data import choose_rows
from skillstack.training.plan import TrainingPlan, keep_frames
from skillstack.training.progress import nobody
from skillstack.training.recipe import Recipe
from skillstack.training.resolve import recipe_of, stack_name, task_names

#: Bytes of a row's digest, and of hashed features per character, as measured on texts of 45 to 1,400.
_REFERENCE_SAMPLE, _FEATURES_PER_CHARACTER = 67, 10.5
#: Characters and rows per class of a task that was not read.
_CHARACTERS, _ROWS_PER_CLASS = 600.0, 4_000


@dataclass(frozen=True)
class TrainingRequest:
    """What a person means to train.

    :ivar preset: a named sequence of tasks, or None.
    :ivar tasks: names of tasks, where there is no preset; none asks about the machine alone.
    :ivar data_dir: a folder that holds a folder per task, or None.
    :ivar model: the base, as `--model` takes it; None for the built-in one.
    :ivar precision: the one that is asked for instead of the rules' choice.
    :ivar store: where the store is, or will be made.
    :ivar overrides: fields of the recipe.
    """

    preset: str | None = None
    tasks: Sequence[str] = ()
    data_dir: Path | None = None
    model: str | None = None
    precision: str | None = None
    device: str = "auto"
    store: Path = field(default_factory=lambda: Path("frames"))
    overrides: Mapping[str, Any] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the tasks, in order; none where the machine alone is asked about.

        :raises UsageError: as `task_names`.
        """
        return task_names(self.preset, self.tasks) if self.preset or self.tasks else ()

    def recipe(self, kind: str) -> Recipe:
        """The recipe of a kind of base, with what the preset and then the person change."""
        return recipe_of(self.model or DEFAULT, kind, self.preset, self.overrides)


@dataclass(frozen=True)
class PlannedFrame:
    """A frame that a training would make or keep.

    :ivar facts: its task. Where the rows are not here, their numbers are the most that the recipe takes.
    :ivar train: number of rows that decide its weights; `dev` and `router` likewise.
    :ivar characters: length of a text, on average.
    :ivar adapter_bytes: size of adapter and head, at most.
    :ivar sample_bytes: size of what the router learns from.
    """

    facts: TaskFacts
    state: Literal["train", "keep"]
    train: int
    dev: int
    router: int
    characters: float
    adapter_bytes: int
    sample_bytes: int

    def to_json(self) -> dict[str, Any]:
        """As `train --dry-run --json` shows it; ``exact`` says whether the rows were counted."""
        return {
            "state": self.state,
            "adapter_bytes": self.adapter_bytes,
            "sample_bytes": self.sample_bytes,
            "name": self.facts.name,
            "family": self.facts.family,
            "labels": self.facts.labels,
            "source": self.facts.source,
            "licence": self.facts.licence,
            "origin": self.facts.origin,
            "download": self.facts.download,
            "exact": self.facts.data is not None,
            "rows": {"train": self.train, "dev": self.dev, "router": self.router},
        }


@dataclass(frozen=True)
class DryRun:
    """What a training would do.

    :ivar store: the store's folder; `exists` says whether it is there already.
    :ivar keep_texts: whether the store would hold texts of the tasks that do not ship with the package.
    """

    stack: str
    store: Path
    exists: bool
    base: BaseFacts
    device: str
    precision: str
    recipe: Recipe
    keep_texts: bool
    frames: tuple[PlannedFrame, ...]
    estimate: Estimate

    def to_json(self) -> dict[str, Any]:
        """As `train --dry-run --json` shows it."""
        seconds = self.estimate.seconds
        return {
            "dry_run": True,
            "stack": self.stack,
            "store": str(self.store),
            "store_exists": self.exists,
            "base": self.base.calls_itself,
            "precision": self.precision,
            "device": self.device,
            "keep_texts": self.keep_texts,
            "recipe": self.recipe.to_record(),
            "frames": [frame.to_json() for frame in self.frames],
            "bytes": self.estimate.store,
            "download": self.estimate.download,
            "seconds": None if seconds is None else seconds.to_json(),
        }


def dry_run(
    request: TrainingRequest,
    *,
    stack: str | None = None,
    keep_texts: bool = True,
    store: Store | None = None,
    merges: bool = False,
) -> DryRun:
    """See what a training would do.

    :param store: the store, where there is one already.
    :param merges: whether frames may be merged as they come, which takes time that nobody can tell.
    :raises UsageError: if a name or a combination cannot be meant, or the stack holds other frames.
    :raises SkillStackError: if a task or the base cannot be had.
    """
    from skillstack.models.loading import pick_device

    names = task_names(request.preset, request.tasks)
    target = stack_name(stack, request.preset)
    base, tasks = base_facts(request.model), task_facts(names, request.data_dir, ask_hub=False)
    for error in (base.error, *(one.error for one in tasks)):
        if error is not None:
            raise error
    kind = base.kind or "decoder"
    device, recipe = describe(pick_device(request.device)), request.recipe(kind)
    chosen = rules(device, kind, parameters=base.parameters, precision=request.precision)
    held = chosen.precision.value
    # A task that has to be fetched first, and those after it, cannot be compared with what the stack holds.
    here = [one.data for one in tasks]
    whole = tuple(data for data in here[: here.index(None) if None in here else None] if data is not None)
    plan = TrainingPlan(target, whole, recipe, held, keep_texts, base_name=base.calls_itself, merges=merges)
    kept = len(keep_frames(plan, tuple(store.contents(target)) if store is not None else (), nobody))
    frames = tuple(
        planned_frame(base, recipe, one, keep_texts=keep_texts, keep=number < kept)
        for number, one in enumerate(tasks)
    )
    found = estimate(base, recipe, frames, device, chosen, this_machine().free(device))
    there = store is not None
    return DryRun(target, request.store, there, base, device.kind, held, recipe, keep_texts, frames, found)


def planned_frame(
    base: BaseFacts, recipe: Recipe, one: TaskFacts, *, keep_texts: bool = True, keep: bool = False
) -> PlannedFrame:
    """The frame of a task: its rows counted where they are here, else the most that the recipe takes.

    :param keep: whether the stack holds it already.
    """
    if one.data is not None:
        data = choose_rows(one.data, recipe)
        train, dev, router = len(data.train), len(data.dev), len(data.router)
        characters = sum(len(row.joined) for row in data.router) / max(1, router)
    else:
        train = (recipe.samples_per_class or _ROWS_PER_CLASS) * max(one.labels, 2)
        dev, router, characters = recipe.dev_samples, recipe.router_samples, _CHARACTERS
    if one.source == "starter":
        sample: float = _REFERENCE_SAMPLE
    else:
        sample = characters + 5 if keep_texts else _FEATURES_PER_CHARACTER * characters + 100
    adapter = 0 if recipe.method == "frozen-linear" else adapter_bytes(base, recipe)
    head = 4 * one.labels * (base.hidden + 1)
    state: Literal["train", "keep"] = "keep" if keep else "train"
    return PlannedFrame(one, state, train, dev, router, characters, adapter + head, round(router * sample))
