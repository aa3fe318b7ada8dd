"""The labelled rows that a compression is made with, chosen on and guarded by, task by task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from skillstack.data.splits import sample, split
from skillstack.data.task import Example
from skillstack.evaluation.questions import SEED, task_rows
from skillstack.results import Frame
from skillstack.store.records import Skill, taught
from skillstack.store.rows import Row

#: Dev rows of a skill that candidates are compared on.
DEV_ROWS = 384
#: Rows of a skill that the heads of the most promising candidates are fitted on.
MORE_ROWS = 512
#: Rows of a skill that all candidates are screened on: heads are fitted on the first, compared on the second.
SCREEN_FIT_ROWS, SCREEN_DEV_ROWS = 48, 48
#: Rows of each label that heads are fitted on, where a frame does not say how many it was taught.
FIT_PER_CLASS = 48
#: Dev and guard rows of a skill that no candidate changes: they show what becomes of the whole stack.
OTHER_ROWS = 128


@dataclass(frozen=True, eq=False)
class Labelled:
    """Rows and their labels.

    :ivar labels: ``[rows]``, as the skill numbers them.
    """

    rows: tuple[Row, ...]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, places: Sequence[int]) -> Labelled:
        """These rows, in this order."""
        return Labelled(tuple(self.rows[place] for place in places), self.labels[list(places)])

    def shortest(self, count: int) -> Labelled:
        """The shortest rows of each label, about so many in all; the first of equals.

        What a row costs grows with its length, and for a first comparison short ones will do.
        """
        return self._of_each(count, np.array([len(row.joined) for row in self.rows]))

    def first(self, count: int) -> Labelled:
        """The first rows of each label, about so many in all."""
        return self._of_each(count, np.arange(len(self)))

    def _of_each(self, count: int, order: NDArray[np.int64]) -> Labelled:
        labels = np.unique(self.labels)
        each = -(-count // max(len(labels), 1))
        of_label = [np.flatnonzero(self.labels == label) for label in labels]
        kept = sorted(
            place for places in of_label for place in places[np.argsort(order[places], kind="stable")][:each]
        )
        return self.take(kept)


@dataclass(frozen=True, eq=False)
class SkillRows:
    """The rows of one skill.

    :ivar fit: of the training side: heads are fitted on them.
    :ivar more: of the same side: those of the most promising candidates are fitted on them.
    :ivar dev: candidates are chosen on them.
    :ivar guard: the chosen one is tested on them, once.
    """

    frame: Frame
    skill: Skill
    fit: Labelled
    more: Labelled
    dev: Labelled
    guard: Labelled

    @cached_property
    def screen(self) -> tuple[Labelled, Labelled]:
        """Short rows to fit on and short dev rows, on which all candidates are compared."""
        return self.fit.shortest(SCREEN_FIT_ROWS), self.dev.shortest(SCREEN_DEV_ROWS)

    def part(self, name: str) -> Labelled:
        """The rows of ``dev`` or ``guard``."""
        return self.dev if name == "dev" else self.guard

    def fewer(self) -> SkillRows:
        """The skill with fewer dev and guard rows, for where no candidate changes it."""
        return replace(self, dev=self.dev.first(OTHER_ROWS), guard=self.guard.first(OTHER_ROWS))


def skill_rows(
    frame: Frame,
    skill: Skill,
    *,
    data_dir: Path | None = None,
    table: Path | None = None,
    known: tuple[Example, ...] = (),
) -> SkillRows:
    """The rows of a skill, divided as for its training.

    A row's side follows from its text, so no row that a frame was trained on guards, whatever else the source
    holds now.

    :param data_dir: holds a folder with the rows of each task.
    :param table: labelled rows of a person's own, instead of the task's.
    :param known: rows that are at hand already, instead of both.
    :raises InputError: if there are none, or they have a label that the skill does not know.
    :raises SkillStackError: if they cannot be had.
    """
    found = task_rows(skill, data_dir=data_dir, table=table, option="--rows") if not known else (known, ())
    sides = split(*found)
    recipe = taught(frame.content, skill.name)
    per_class, seed = recipe.get("samples_per_class", FIT_PER_CLASS), recipe.get("seed", SEED)
    fit = sample(sides.train, int(per_class) or len(sides.train), int(seed), skill.task)
    more = sample(sides.train, -(-MORE_ROWS // len(skill.labels)), int(seed), skill.task)
    dev = sample(sides.dev, -(-DEV_ROWS // len(skill.labels)), SEED, skill.task) if sides.dev else ()
    return SkillRows(frame, skill, *map(_labelled, (fit, more, dev, sides.guard)))


def _labelled(examples: Sequence[Example]) -> Labelled:
    labels = np.array([example.label for example in examples], dtype=np.int64)
    return Labelled(tuple(example.row for example in examples), labels)
