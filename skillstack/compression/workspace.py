"""A stack as it is, its base in memory, and the rows of its skills: what compression and ablation work on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from skillstack.compression.deltas import Adapter, stored
from skillstack.compression.request import GuardConfig
from skillstack.compression.rows import SkillRows, skill_rows
from skillstack.compression.trial import Trial
from skillstack.errors import MismatchError, SkillStackError, UsageError, did_you_mean
from skillstack.models.heads import Head
from skillstack.predictor import Predictor
from skillstack.results import Frame
from skillstack.routers.base import Scores
from skillstack.routers.stack_router import StackRouter
from skillstack.skills.classification import scorers
from skillstack.skills.ngrams import NgramHead
from skillstack.store import transactions
from skillstack.store.canonical import sha256
from skillstack.store.learned import learned_by
from skillstack.store.records import FrameRecord, Rendering, Skill
from skillstack.store.rows import Row
from skillstack.store.store import Store
from skillstack.store.walk import walk
from skillstack.wording import published

if TYPE_CHECKING:
    from skillstack.compression.evaluate import RightAnswers


@dataclass(frozen=True)
class Snapshot:
    """A stack at one moment, whoever changes it meanwhile.

    :ivar frames: oldest first.
    :ivar derived: folder of files that can be made again.
    :ivar tables: by skill, the table that it learned from, where that lies here.
    """

    store: Store
    name: str
    frames: tuple[Frame, ...]
    load: Callable[[], Predictor]
    derived: Path
    tables: Mapping[str, Path] = field(default_factory=dict)

    @property
    def skills(self) -> dict[str, tuple[Frame, Skill]]:
        """Every skill with its frame, by its name, oldest first."""
        return {skill.name: (frame, skill) for frame in self.frames for skill in frame.skills}

    @property
    def bytes(self) -> int:
        """Size of all adapters' files; each frame has one of its own."""
        return sum(frame.adapter_bytes for frame in self.frames)

    @cached_property
    def places(self) -> dict[str, int]:
        """Each skill's place in the router's walk, 0 for the oldest."""
        return {stop.skill.name: stop.place for stop in walk(frame.content for frame in self.frames)}

    @cached_property
    def _router(self) -> StackRouter:
        return StackRouter(self.store, self.name)

    def scores(self, rows: Sequence[Row]) -> Scores:
        """The router's scores of rows."""
        return self._router.scores([(frame.content_id, frame.content) for frame in self.frames], rows)

    def put_in_place(
        self, records: Sequence[FrameRecord], verb: str, note: str, transaction: str | None = None
    ) -> str | None:
        """Make the stack hold just these records, as one transaction; returns its new tip.

        Files come first, then the router's state, then one step of the history: a crash leaves the old stack
        or the new one.

        :param records: oldest first; the files of new ones are in the store.
        :param verb: what was done; it tells the transaction from others with the same outcome.
        :param transaction: that this step belongs to; by default one of its own.
        :raises BusyError: if the stack was changed meanwhile.
        :raises StoreError: if the stack is read-only or the disk fails; nothing has changed then.
        """
        ids = [self.store.put_content(record) for record in records]
        StackRouter(self.store, self.name).fitted(list(zip(ids, records, strict=True)))
        tip = self.frames[-1].id
        own = transaction or sha256("\n".join([verb, tip, *ids]).encode())
        return transactions.rebuild(self.store, self.name, ids, transaction=own, note=note, expected=tip)


@dataclass(frozen=True, eq=False)
class SkillWeights:
    """What answers for a skill.

    :ivar adapter: None for the base alone.
    :ivar own_head: on features; None where n-grams alone answer.
    :ivar ngrams: on n-grams, whose logits are added; None for none.
    """

    adapter: Adapter | None
    own_head: Head | None
    ngrams: NgramHead | None = None

    @property
    def head(self) -> Head:
        """The head on features, for what needs one.

        :raises ValueError: if there is none.
        """
        if self.own_head is None:
            raise ValueError("n-grams alone answer")
        return self.own_head

    @classmethod
    def of(cls, store: Store, frame: Frame, skill: Skill, adapter: Adapter | None) -> SkillWeights:
        """What answers for a skill of a frame today."""
        head, ngrams = scorers(store, frame.content, skill)
        if head is not None and not isinstance(head, Head):
            raise MismatchError(
                f"The skill {skill.name!r} answers by a state in place of a head.",
                "Compress a stack without it.",
            )
        return cls(adapter, head, ngrams)

    def answers(self, trial: Trial, rows: Sequence[Row], rendering: Rendering) -> NDArray[np.int64]:
        """The label of each row, ``[rows]``."""
        logits = None if self.ngrams is None else self.ngrams.logits(rows)
        if self.own_head is not None:
            own = self.own_head.logits(trial.features(rows, rendering, self.adapter))
            logits = own if logits is None else logits + own
        if logits is None:
            raise ValueError("nothing answers")
        found: NDArray[np.int64] = logits.argmax(axis=1)
        return found


class Workspace:
    """A stack with its base in memory.

    :ivar config: what the guard holds a change to.
    :ivar rows: of the skills that have some, oldest first.
    :ivar skipped: why other skills have none, by their names.
    :ivar adapters: by the names of their frames.
    :ivar trial: the base, cut below the lowest layer that any of the adapters changes.
    :ivar weights: of each skill, by its name, what answers today.
    """

    def __init__(
        self, snapshot: Snapshot, config: GuardConfig, needed: Collection[str], *, whole: bool = False
    ) -> None:
        """Find the rows, and load the base and the adapters.

        :param needed: names of skills whose rows have to be there.
        :param whole: whether all dev and guard rows of other skills are taken as well, and not some.
        :raises UsageError: if there is a table for a skill that the stack does not have.
        :raises SkillStackError: one of its kinds, if rows of a needed skill, or of a table, the base or an
            adapter cannot be had.
        """
        self.snapshot, self.config = snapshot, config
        self.rows, self.skipped = _rows(snapshot, needed, config, whole)
        loaded = snapshot.load()
        self.adapters: dict[str, Adapter] = {
            frame.name: stored(snapshot.store, frame.content)
            for frame in snapshot.frames
            if frame.content.adapter is not None
        }
        first = min((adapter.spec.first_layer for adapter in self.adapters.values()), default=0)
        self.trial = Trial(loaded, first, snapshot.derived)
        self.weights: Mapping[str, SkillWeights] = {
            name: SkillWeights.of(snapshot.store, frame, skill, self.adapters.get(frame.name))
            for name, (frame, skill) in snapshot.skills.items()
        }
        self._scores: dict[tuple[str, str], Scores] = {}
        #: Right answers of the stack as it is, by skill and part; `evaluate` fills it.
        self.answers: dict[tuple[str, str], RightAnswers] = {}

    @cached_property
    def rows_of(self) -> dict[str, SkillRows]:
        """The rows of each skill that has some, by its name."""
        return {one.skill.name: one for one in self.rows}

    @property
    def guard_rows(self) -> dict[str, int]:
        """By skill, how many rows guard."""
        return {one.skill.name: len(one.guard) for one in self.rows}

    def scores(self, one: SkillRows, part: str) -> Scores:
        """The router's scores of a skill's rows, computed once.

        :param part: ``dev`` or ``guard``.
        """
        key = one.skill.name, part
        if key not in self._scores:
            self._scores[key] = self.snapshot.scores(one.part(part).rows)
        return self._scores[key]


def _rows(
    snapshot: Snapshot, needed: Collection[str], config: GuardConfig, whole: bool
) -> tuple[tuple[SkillRows, ...], dict[str, str]]:
    """Rows of each skill, oldest first, and why others have none."""
    known = {known for name, (_, skill) in snapshot.skills.items() for known in (name, skill.task)}
    tables, data_dir = config.tables, config.data_dir
    for name in tables:
        if name not in known:
            raise UsageError(f"The stack {snapshot.name!r} has no {name[:80]!r}.", did_you_mean(name, known))
    found, skipped = [], {}
    for name, (frame, skill) in snapshot.skills.items():
        given = tables.get(name) or tables.get(skill.task)
        at_hand = config.known.get(name, ())
        table = given if given or at_hand else snapshot.tables.get(name)
        try:
            own = table is not None or bool(at_hand)
            learned = learned_by(snapshot.store, skill) if own else ()
            rows = skill_rows(frame, skill, data_dir=data_dir, table=table, known=at_hand, learned=learned)
        except SkillStackError as error:
            if name in needed or given is not None:
                raise
            skipped[name] = published(error.message, *[p for p in (data_dir, table) if p is not None])
        else:
            found.append(rows if whole or name in needed else rows.fewer())
    return tuple(found), skipped
