"""From what a person asks for to a training: names resolved, all checked before anything is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from skillstack.data.presets import Preset, load_preset
from skillstack.data.sources import load_task
from skillstack.errors import UsageError
from skillstack.models import devices, loading
from skillstack.models.base import Base
from skillstack.models.identity import kind_of
from skillstack.models.sources import DEFAULT
from skillstack.store.fields import check_name
from skillstack.store.store import MAIN, REFERENCE
from skillstack.training.plan import TrainingPlan
from skillstack.training.recipe import Recipe, default_recipe


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
    target = check_name(stack or preset or MAIN, "The stack")
    if target == REFERENCE and not reference:
        raise UsageError(
            "The stack 'reference' ships with the package and is for reading only.",
            "Name another stack with --stack.",
        )
    name = model or DEFAULT
    kind = base_kind(name)
    held = precision or default_precision(kind, device)
    recipe = recipe_of(name, kind, load_preset(preset) if preset else None, overrides or {})
    data = tuple(load_task(task, data_dir) for task in names)
    job = TrainingPlan(target, data, recipe, held, keep_texts, reference, base_name(name))
    return PreparedTraining(job, lambda: loading.load_base(name, precision=held, device=device))


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


def recipe_of(
    model: str, kind: Literal["encoder", "decoder"], preset: Preset | None, overrides: Mapping[str, Any]
) -> Recipe:
    """The base's recipe, with what the preset and then the person change.

    :raises UsageError: for an unknown name or an impossible value.
    """
    recipe = default_recipe(model, kind)
    if preset is not None:
        recipe = Recipe.from_mapping(preset.encoder if kind == "encoder" else preset.decoder, recipe)
    return Recipe.from_mapping(overrides, recipe)


def base_kind(model: str) -> Literal["encoder", "decoder"]:
    """Whether a base is an encoder or a decoder, from its configuration alone."""
    from transformers import AutoConfig

    from skillstack.hub import quiet
    from skillstack.models import sources

    known: dict[str, Literal["encoder", "decoder"]] = {"minilm": "encoder", "smollm2": "decoder"}
    if model in known:
        return known[model]
    with quiet():
        return kind_of(AutoConfig.from_pretrained(sources.find(model).folder, trust_remote_code=False))


def base_name(model: str) -> str:
    """What a base calls itself in records."""
    from skillstack.models import sources
    from skillstack.models import sources as builtin
    from skillstack.models import sources as smollm2

    return {DEFAULT: builtin.MINILM, smollm2.SMOLLM2: smollm2.SMOLLM2}.get(model) or sources.find(model).name


def default_precision(kind: str, device: str) -> str:
    """What the rules choose for a base of this kind on this device."""
    return devices.precision_for(devices.describe(loading.pick_device(device)), kind).value
