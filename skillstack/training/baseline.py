"""The frozen-linear baseline of a frame: its head is kept by the training, and found by an evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skillstack.store import canonical
from skillstack.store.canonical import sha256
from skillstack.store.derived import FOLDER, Derived
from skillstack.store.records import FrameRecord, Skill, taught
from skillstack.store.store import Store
from skillstack.training.recipe import ALL_ROWS_METHODS

if TYPE_CHECKING:
    from skillstack.models.heads import Head

#: Raised when the same rows would give another head.
KIND = "frozen-linear-1"

#: What a recipe says of the rows that a frame is taught.
SAMPLING = ("samples_per_class", "dev_samples", "seed")


def baseline_key(content: FrameRecord, skill: Skill, rows: str) -> str:
    """SHA-256 of all that the head of a skill follows from.

    :param content: the frame; its precision is the one at which the base is held.
    :param rows: digest of the rows of the skill's task.
    """
    recipe, rendering = taught(content, skill.name), skill.rendering
    return sha256(
        canonical.dumps(
            {
                "base": [content.base.weights, content.base.tokenizer, content.precision],
                "labels": skill.labels,
                "recipe": sampling(recipe),
                "rendering": [rendering.prompt, rendering.truncation, rendering.max_length],
                "rows": rows,
                "task": skill.task,
            }
        )
    )


def sampling(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """What a recipe's record says of the rows that a frame is taught.

    Methods that take all rows are one here; a method that chooses on rows set aside goes without saying.
    """
    found = {name: recipe[name] for name in SAMPLING}
    if recipe.get("method") in ALL_ROWS_METHODS:
        found |= {"method": "auto", "hold_guard": recipe.get("hold_guard", False)}
    return found


def kept_baselines(folder: Path) -> Derived:
    """The kept heads.

    :param folder: of all derived files.
    """
    return Derived(folder, KIND)


def keep_baseline(store: Store, content: FrameRecord, head: Head) -> None:
    """Keep the head that a training fitted, as it would be fitted again."""
    skill = content.skills[0]
    key = baseline_key(content, skill, skill.source["digest"])
    kept_baselines(store.root / FOLDER).write(key, head.tensors())
