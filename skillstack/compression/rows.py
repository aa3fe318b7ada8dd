"""The labelled rows that a compression is made with, chosen on and guarded by, task by task."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from skillstack.data.splits import MAX_GUARD_ROWS, Splits, sample, split, split_hash
from skillstack.data.table_rows import row_key, unlearned
from skillstack.data.task import Example
from skillstack.errors import InputError
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
#: Of the rows of a table that a frame has not learned from, one in so many is a dev row.
DEV_PART = 4
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
    learned: Collection[int] = (),
) -> SkillRows:
    """The rows of a skill, divided as for its training.

    A row's side follows from its text, so no row that a frame was trained on guards, whatever else the source
    holds now. Where a frame remembers the rows of a table that it learned from, heads are fitted on these;
    of the table's others a quarter chooses and the rest guards.

    :param data_dir: holds a folder with the rows of each task.
    :param table: labelled rows of a person's own, instead of the task's.
    :param known: rows that are at hand already, instead of both.
    :param learned: keys of the rows that the skill learned from.
    :raises InputError: if there are none, it learned from all, or they have a label that it does not know.
    :raises SkillStackError: if they cannot be had.
    """
    found = task_rows(skill, data_dir=data_dir, table=table, option="--rows") if not known else (known, ())
    sides = _remembered(skill, found[0], learned) or split(*found)
    recipe = taught(frame.content, skill.name)
    per_class, seed = recipe.get("samples_per_class", FIT_PER_CLASS), recipe.get("seed", SEED)
    fit = sample(sides.train, int(per_class) or len(sides.train), int(seed), skill.task)
    more = sample(sides.train, -(-MORE_ROWS // len(skill.labels)), int(seed), skill.task)
    dev = sample(sides.dev, -(-DEV_ROWS // len(skill.labels)), SEED, skill.task) if sides.dev else ()
    return SkillRows(frame, skill, *map(_labelled, (fit, more, dev, sides.guard)))


def _remembered(skill: Skill, examples: Sequence[Example], learned: Collection[int]) -> Splits | None:
    """The sides of rows some of which are known to be learned from; None where none is.

    Rows that were learned from may be on any side of `split`, and tell nothing of a candidate. The others'
    side follows from their keys, so that rows that are read alike are on one side.

    :raises InputError: if all are.
    """
    unseen, found = unlearned(examples, learned)
    if found is None:
        return None
    if not unseen:
        raise InputError(
            f"The skill {skill.name!r} learned from all {found.of:,} rows, so none is left to choose by.",
            f"Give rows that it has not seen with --rows {skill.name}=FILE.",
        )
    seen = set(examples).difference(unseen)
    ordered = sorted(set(unseen), key=lambda one: (split_hash(one.row), one.label))
    dev = [one for one in ordered if not row_key(one.row) % DEV_PART] or ordered[:1]
    chosen = set(dev)
    guard = [one for one in ordered if one not in chosen][:MAX_GUARD_ROWS]
    return Splits(tuple(seen), tuple(dev), tuple(guard))


def _labelled(examples: Sequence[Example]) -> Labelled:
    labels = np.array([example.label for example in examples], dtype=np.int64)
    return Labelled(tuple(example.row for example in examples), labels)
