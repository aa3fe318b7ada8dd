"""The logistic head on the frozen base that every frame is held against, kept for later comparisons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from skillstack.models.heads import Head, fit_logistic
from skillstack.store import canonical
from skillstack.store.canonical import sha256
from skillstack.store.derived import FOLDER, Derived
from skillstack.store.records import Count, FrameRecord, Skill, taught
from skillstack.store.store import Store

if TYPE_CHECKING:
    from skillstack.models.heads import Head


#: Raised when the same rows would give another head.
KIND = "frozen-linear-1"

#: What a recipe says of the rows that a frame is taught.
SAMPLING = ("samples_per_class", "dev_samples", "seed")


def rival_key(content: FrameRecord, skill: Skill, rows: str) -> str:
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
                "recipe": {name: recipe[name] for name in SAMPLING},
                "rendering": [rendering.prompt, rendering.truncation, rendering.max_length],
                "rows": rows,
                "task": skill.task,
            }
        )
    )


def rivals(folder: Path) -> Derived:
    """The kept heads.

    :param folder: of all derived files.
    """
    return Derived(folder, KIND)


def keep_rival(store: Store, content: FrameRecord, head: Head) -> None:
    """Keep the head that a training fitted, as it would be fitted again."""
    skill = content.skills[0]
    key = rival_key(content, skill, skill.source["digest"])
    rivals(store.root / FOLDER).write(key, head.tensors())


Floats = NDArray[np.float32]

#: Inverse penalties that a logistic head may have. Features of unit length times ten want weak heads when
#: there are 48 rows a class, and standardised ones weaker heads still.
PENALTIES: tuple[float, ...] = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)


@dataclass(frozen=True, eq=False)
class FrameCandidate:
    """An adapter and a head that could be the frame.

    :ivar name: how it came to be: ``frozen-linear``, ``start``, ``epoch 3``, ``average``, ``refit``, ...
    :ivar adapter: tensors by their PEFT names; None for the bare base.
    :ivar head: the head.
    :ivar dev: dev accuracy.
    """

    name: str
    adapter: Mapping[str, Floats] | None
    head: Head
    dev: Count


def measure(head: Head, features: Floats, labels: Sequence[int]) -> Count:
    """Accuracy of a head on features ``[rows, hidden_size]``."""
    right = head.logits(features).argmax(axis=1) == np.asarray(labels)
    return Count(int(right.sum()), len(labels))


def best_logistic(
    train: Floats,
    train_labels: Sequence[int],
    dev: Floats,
    dev_labels: Sequence[int],
    n_classes: int,
    *,
    standardise: bool,
    penalties: Sequence[float] = PENALTIES,
) -> tuple[Head, Count]:
    """The logistic head whose penalty dev prefers, the strongest penalty of equals, with its dev accuracy."""
    found: tuple[Head, Count] | None = None
    for penalty in penalties:
        head = fit_logistic(train, train_labels, n_classes, penalty, standardise=standardise)
        count = measure(head, dev, dev_labels)
        if found is None or count.correct > found[1].correct:
            found = head, count
    if found is None:
        raise ValueError("no penalties to choose from")
    return found
