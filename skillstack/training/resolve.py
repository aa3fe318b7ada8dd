"""From what a person asks for to a training: names resolved, all checked before anything is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from skillstack.data.presets import load_preset
from skillstack.data.sources import load_task
from skillstack.errors import UsageError
from skillstack.models import sources
from skillstack.models.devices import describe, precision_for
from skillstack.models.identity import kind_of
from skillstack.models.sources import DEFAULT, MINILM, SMOLLM2
from skillstack.store.fields import check_name
from skillstack.store.store import MAIN, REFERENCE
from skillstack.training.plan import TrainingPlan
from skillstack.training.recipe import Recipe, default_recipe

if TYPE_CHECKING:
    from skillstack.models.base import Base


@dataclass(frozen=True)
class PreparedTraining:
    """A training that can begin: everything it needs was found and checked.

    :ivar job: what is to be trained.
    :ivar load: loads the base.
    """

    job: TrainingPlan
    load: Callable[[], Base]


def prepare(
    *,
    preset: str | None,
    tasks: Sequence[str] = (),
    data_dir: Path | None = None,
    stack: str | None = None,
    model: str | None = None,
    precision: str | None = None,
    device: str = "auto",
    overrides: Mapping[str, Any] | None = None,
    keep_texts: bool = True,
    reference: bool = False,
) -> PreparedTraining:
    """Resolve and check what a person asks for; nothing is written.

    :param stack: by default the preset's name, or ``main``.
    :param reference: allows training the stack that ships with the package.
    :raises UsageError: if a name, an option or a combination cannot be meant.
    :raises InputError: if a task's data are broken.
    :raises MissingError: if the device is not here.
    """
    names = task_names(preset, tasks)
    target = stack_name(stack, preset, reference=reference)
    name = model or DEFAULT
    kind = base_kind(name)
    held = precision or default_precision(kind, device)
    recipe = recipe_of(name, kind, preset, overrides or {})
    data = tuple(load_task(task, data_dir) for task in names)
    job = TrainingPlan(target, data, recipe, held, keep_texts, reference, base_name(name))

    def load() -> Base:
        from skillstack.models.loading import load_base

        return load_base(name, precision=held, device=device)

    return PreparedTraining(job, load)


def stack_name(stack: str | None, preset: str | None, *, reference: bool = False) -> str:
    """Name of the stack to be trained: by default the preset's, or ``main``.

    :param reference: allows the stack that ships with the package.
    :raises UsageError: if it may not be trained, or cannot be a name.
    """
    name = check_name(stack or preset or MAIN, "The stack")
    if name == REFERENCE and not reference:
        raise UsageError(
            "The stack 'reference' ships with the package and is for reading only.",
            "Name another stack with --stack.",
        )
    return name


def task_names(preset: str | None, tasks: Sequence[str]) -> tuple[str, ...]:
    """Names of the tasks, in order.

    :raises UsageError: if there are none, both a preset and tasks, or one task twice.
    """
    if preset and tasks:
        raise UsageError("A preset and single tasks are both given.", "Give one of the two.")
    names = load_preset(preset).task_names if preset else tuple(tasks)
    if not names:
        raise UsageError("There is nothing to train.", "Give --preset starter8, or --task with a name.")
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise UsageError(f"The task {twice!r} is given twice.", "A stack holds each task once.")
    return names


def recipe_of(model: str, kind: str, preset: str | None, overrides: Mapping[str, Any]) -> Recipe:
    """The base's recipe, with what the preset and then the person change.

    :raises UsageError: for an unknown name or an impossible value.
    """
    recipe = default_recipe(model, kind)
    if preset:
        known = load_preset(preset)
        recipe = Recipe.from_mapping(known.encoder if kind == "encoder" else known.decoder, recipe)
    return Recipe.from_mapping(overrides, recipe)


def base_kind(model: str) -> Literal["encoder", "decoder"]:
    """Whether a base is an encoder or a decoder, from its configuration alone."""
    from transformers import AutoConfig

    from skillstack.hub import quiet

    known: dict[str, Literal["encoder", "decoder"]] = {DEFAULT: "encoder", SMOLLM2: "decoder"}
    if model in known:
        return known[model]
    with quiet():
        return kind_of(AutoConfig.from_pretrained(sources.find(model).folder, trust_remote_code=False))


def base_name(model: str) -> str:
    """What a base calls itself in records."""
    return {DEFAULT: MINILM, SMOLLM2: SMOLLM2}.get(model) or sources.find(model).name


def default_precision(kind: str, device: str) -> str:
    """What the rules choose for a base of this kind on this device."""
    from skillstack.models.loading import pick_device

    return precision_for(describe(pick_device(device)), kind).value
