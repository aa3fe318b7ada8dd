"""Training and learning with all that is said of them in one mapping, as tests vary it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from skillstack.data.memory import TableOptions
from skillstack.stack import Learned, Stack, Trained
from skillstack.training.options import MergeOptions, RunOptions
from skillstack.training.recipe import Recipe

_WHERE = ("store", "stack", "model", "precision", "device")
_TABLE = ("text", "pair", "label", "test_size", "max_per_class", "keep_texts")
_RUN = (
    "time_limit",
    "micro_batch",
    "accumulate",
    "gradient_checkpointing",
    "merging",
    "on_event",
    "on_table",
)


def train(preset: str | None = None, **given: Any) -> Trained:
    """Train a stack that need not be there, `main` where none is named."""
    given.setdefault("stack", preset or "main")
    stack = Stack.open(**_taken(given, _WHERE), create=True)
    return stack.train(preset, run=_run(given), recipe=_recipe(given), **given)


def learn(name: str, data: str | Path, labels: Any = None, **given: Any) -> Learned:
    """Learn a skill on a stack that need not be there."""
    stack = Stack.open(**_taken(given, _WHERE), create=True)
    table = TableOptions(**_taken(given, _TABLE))
    return stack.learn(name, data, labels, table=table, run=_run(given), recipe=_recipe(given), **given)


def merging(margin: float = 0.02, **rows: Any) -> dict[str, MergeOptions]:
    """The option by which new frames are merged with their family."""
    return {"merging": MergeOptions(margin, **rows)}


def _taken(given: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: given.pop(name) for name in names if name in given}


def _run(given: dict[str, Any]) -> RunOptions:
    return RunOptions(**{name: value for name, value in _taken(given, _RUN).items() if value is not None})


def _recipe(given: dict[str, Any]) -> Recipe:
    recipe: Mapping[str, Any] = given.pop("recipe", {})
    return Recipe(**recipe)
