"""What a person means to train, and the recipe that follows from it, without loading anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from skillstack.data.presets import load_preset
from skillstack.errors import UsageError
from skillstack.forecast.bases import BaseFacts
from skillstack.models.sources import DEFAULT
from skillstack.training.recipe import Recipe, default_recipe


@dataclass(frozen=True)
class Request:
    """What is to be examined.

    :ivar preset: a named sequence of tasks, or None.
    :ivar tasks: names of tasks, where there is no preset; none asks about the machine alone.
    :ivar data_dir: holds a folder per task, or None.
    :ivar model: as `--model` takes it; None for the built-in base.
    :ivar precision: one that is asked for instead of the rules' choice.
    :ivar device: ``auto``, ``cpu`` or ``cuda``.
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
        """Names of the tasks, in order.

        :raises UsageError: if there is no such preset, or there are both a preset and tasks.
        """
        if self.preset and self.tasks:
            raise UsageError("A preset and single tasks are both given.", "Give one of the two.")
        return load_preset(self.preset).task_names if self.preset else tuple(self.tasks)

    def recipe(self, facts: BaseFacts) -> Recipe:
        """The base's recipe, with what the preset and then the person change."""
        kind = facts.kind or "decoder"
        recipe = default_recipe(self.model or DEFAULT, kind)
        if self.preset:
            preset = load_preset(self.preset)
            recipe = Recipe.from_mapping(preset.encoder if kind == "encoder" else preset.decoder, recipe)
        return Recipe.from_mapping(self.overrides, recipe)
