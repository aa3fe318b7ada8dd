"""Merging as a stack grows: each new frame is tried against its family, and joins it where the guard allows.

A stream of tasks of few families then keeps few adapters. What was tried and refused is remembered beside the
store, so that a training that is started again does not try it again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from skillstack.answers import Frame, frames_from
from skillstack.compression.command import compress
from skillstack.compression.families import family_of
from skillstack.compression.present import Subject
from skillstack.compression.rerouting import rerouted
from skillstack.compression.result import Compressed
from skillstack.compression.terms import Terms
from skillstack.compression.wish import Wish
from skillstack.errors import SkillStackError, StoreError
from skillstack.frames import canonical, derived
from skillstack.frames.derived import Derived
from skillstack.frames.digests import sha256
from skillstack.frames.store import Store
from skillstack.loaded import LoadedStack
from skillstack.models.answering import Answering
from skillstack.models.slot import Slot
from skillstack.stack_router import StackRouter
from skillstack.training.events import FamilySettled, Listener

#: Derived files that remember what was refused, with the version of how that is decided.
KIND = "refused-3"
#: Ways that make one frame of several; the second where the first should not pass.
METHOD = "merge,joint"


@dataclass(frozen=True)
class Consolidation:
    """Tries a stack's newest frame against its family.

    :ivar store: where the stack lies.
    :ivar stack: its name.
    :ivar transaction: that a merge belongs to.
    :ivar terms: what the guard holds it to.
    :ivar listen: is told what became of it.
    :ivar tell: called with the name of each candidate before it is tried.
    """

    store: Store
    stack: str
    transaction: str
    terms: Terms
    listen: Listener
    tell: Callable[[str], None] = lambda name: None

    def __call__(self, slot: Slot) -> None:
        """Merge the newest frame with the others of its family, if the guard lets it.

        Where that should not pass for a few of them, they stay as they are, and the rest is tried. Once the
        guard was asked there is no second try. Where rows of one of them are not here, all stay as they are.
        What became of each try is told.

        :param slot: of the base in memory; it is empty afterwards.
        :raises SkillStackError: one of its kinds, if the store cannot be read or changed.
        """
        frames, members = self._waiting()
        if not members:
            return
        family, newest = frames[-1].skills[0].family, frames[-1].name
        try:
            found = self._tried(frames, members, slot)
            if found.plan.blocking and newest not in found.plan.blocking:
                rest = tuple(frame for frame in members if frame.name not in found.plan.blocking)
                found = self._tried(frames, rest, slot, found.plan.blocking)
        except StoreError:
            raise
        except SkillStackError as error:
            names = tuple(frame.name for frame in members)
            self.listen(FamilySettled(family, names, None, error.message))
            return
        if not found.applied:
            self._refused.write(self._key(frames), {"refused": np.ones(1, dtype=np.uint8)})

    @property
    def pending(self) -> bool:
        """Whether the newest frame has others of its family that it was not tried against yet."""
        return bool(self._waiting()[1])

    @property
    def _refused(self) -> Derived:
        return Derived(self.store.root / derived.FOLDER, KIND)

    def _waiting(self) -> tuple[tuple[Frame, ...], tuple[Frame, ...]]:
        """The stack's frames, oldest first, and those that could become one, if that was not tried yet."""
        frames = tuple(reversed(frames_from(self.store, self.store.tip(self.stack))))
        # A frame without a plan came out of a merge itself.
        if not frames or frames[-1].content.adapter is None or not frames[-1].content.plan:
            return frames, ()
        family = frames[-1].skills[0].family
        members = family_of(frames, family).frames
        tried = len(members) < 2 or self._refused.read(self._key(frames)) is not None
        return frames, () if tried else members

    def _tried(
        self,
        frames: tuple[Frame, ...],
        members: tuple[Frame, ...],
        slot: Slot,
        without: tuple[str, ...] = (),
    ) -> Compressed:
        """Try to make one frame of these members, and tell what became of it."""
        family, names = frames[-1].skills[0].family, tuple(frame.name for frame in members)
        try:
            found = self._compress(frames, Wish(family, METHOD, terms=self.terms, without=without), slot)
        finally:
            slot.clear()
        self.listen(FamilySettled(family, names, self._name(members, found), _why(found)))
        return found

    def _compress(self, frames: tuple[Frame, ...], wish: Wish, slot: Slot) -> Compressed:
        chain = [(frame.content_id, frame.content) for frame in frames]
        router = StackRouter(self.store, self.stack)
        subject = Subject(
            name=self.stack,
            frames=frames,
            scores=lambda rows: router.scores(chain, rows),
            load=lambda: LoadedStack(self.store, Answering(slot)),
            derived=self.store.root / derived.FOLDER,
            scores_of=rerouted(self.store, self.stack, self.store.root / derived.FOLDER),
        )
        return compress(
            subject,
            wish,
            self.store,
            router.state,
            apply=True,
            transaction=self.transaction,
            tell=self.tell,
        )

    def _name(self, members: tuple[Frame, ...], found: Compressed) -> str | None:
        """Name of the frame that they are now."""
        if not found.applied:
            return None
        skill = members[0].skills[0].name
        frames = frames_from(self.store, found.tip)
        return next(frame.name for frame in frames if skill in {one.name for one in frame.skills})

    def _key(self, frames: tuple[Frame, ...]) -> str:
        terms = self.terms
        return sha256(
            canonical.dumps(
                {
                    "frames": [frame.content_id for frame in frames],
                    "level": repr(terms.level),
                    "margin": repr(terms.margin),
                    "rows": [
                        str(terms.data_dir),
                        {name: _digest(path) for name, path in terms.tables.items()},
                        {name: [row.row.digest() for row in rows] for name, rows in terms.known.items()},
                    ],
                }
            )
        )


def _digest(path: Path) -> str:
    """Of a table's bytes; of nothing where it cannot be read, which whoever reads it will say."""
    try:
        return sha256(path.read_bytes())
    except OSError:
        return ""


def _why(found: Compressed) -> str:
    if found.guarded is not None:
        return found.guarded.why
    best = max(found.plan.candidates, key=lambda one: one.dev.mean_difference)
    return best.why
