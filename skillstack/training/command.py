"""From what a person asks for to a training: names resolved, all checked before anything is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from skillstack.errors import UsageError
from skillstack.frames.names import check_name
from skillstack.frames.store import REFERENCE, Store
from skillstack.models import loading
from skillstack.models.architecture import kind_of
from skillstack.models.base import Base
from skillstack.models.sources import DEFAULT
from skillstack.tasks.presets import Preset, load_preset
from skillstack.tasks.sources import load_task
from skillstack.training.events import Listener
from skillstack.training.recipe import Recipe, default_recipe
from skillstack.training.run import Chain, Job, Result, train_stack

#: Name of the stack where tasks are given one by one and none is named.
DEFAULT_STACK = "main"


def run(
    store: Store,
    *,
    preset: str | None,
    tasks: Sequence[str],
    data_dir: Path | None,
    stack: str,
    model: str | None,
    precision: str | None,
    device: str,
    overrides: Mapping[str, Any],
    keep_texts: bool,
    fit_router: Callable[[Chain], object],
    listen: Listener,
    reference: bool = False,
) -> Result:
    """Train what a stack lacks.

    :raises UsageError: if a name, an option or a combination cannot be meant.
    :raises InputError: if a task's data are broken.
    """
    names = task_names(preset, tasks)
    name = model or DEFAULT
    kind = base_kind(name)
    chosen = load_preset(preset) if preset else None
    recipe = recipe_of(name, kind, chosen, overrides)
    held = precision or default_precision(kind, device)
    if stack == REFERENCE and not reference:
        raise UsageError(
            "The stack 'reference' ships with the package and is for reading only.",
            "Name another stack with --stack.",
        )
    job = Job(
        stack=check_name(stack, "The stack"),
        tasks=tuple(load_task(task, data_dir) for task in names),
        recipe=recipe,
        precision=held,
        keep_texts=keep_texts,
        reference=reference,
    )

    def load() -> Base:
        return loading.load_base(name, precision=held, device=device)

    return train_stack(store, job, load, fit_router, listen)


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

    from skillstack.models import sources
    from skillstack.models.quiet import quiet

    known: dict[str, Literal["encoder", "decoder"]] = {"minilm": "encoder", "smollm2": "decoder"}
    if model in known:
        return known[model]
    with quiet():
        return kind_of(AutoConfig.from_pretrained(sources.find(model).folder, trust_remote_code=False))


def default_precision(kind: str, device: str) -> str:
    """fp32 on a CPU and for encoders; on a GPU 4 bits for language models."""
    place = loading.pick_device(device)
    return "nf4" if place.type == "cuda" and kind == "decoder" else "fp32"
