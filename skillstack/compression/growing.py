"""Merging as a stack grows: each new frame is merged with its family where the guard allows.

A stream of tasks of few families then keeps few adapters. What was tried and refused is remembered beside the
store, so that a training that is started again does not try it again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from skillstack.compression.candidate import family_of
from skillstack.compression.pipeline import guard_and_apply, make_plan, workspace_for
from skillstack.compression.request import CompressionRequest, GuardConfig
from skillstack.compression.results import Compressed, Plan
from skillstack.compression.workspace import Snapshot
from skillstack.errors import SkillStackError, StoreError
from skillstack.models.slot import Slot
from skillstack.predictor import Predictor
from skillstack.results import Frame, frames_from
from skillstack.store import canonical, derived
from skillstack.store.canonical import sha256
from skillstack.store.derived import Derived
from skillstack.store.store import Store
from skillstack.training.progress import FamilySettled, Listener

#: Derived files that remember what was refused, with the version of how that is decided.
KIND = "refused-4"
#: Strategies that make one frame of several; the second where the first should not pass.
METHOD = "merge,joint"


@dataclass(frozen=True)
class AutoCompress:
    """Merges a stack's newest frame with its family where the guard allows.

    :ivar transaction: that a merge belongs to.
    :ivar config: what the guard holds it to.
    :ivar listen: hears the outcome.
    :ivar tell: called with the name of each candidate before it is tried.
    """

    store: Store
    stack: str
    transaction: str
    config: GuardConfig
    listen: Listener
    tell: Callable[[str], None] = lambda name: None

    def __call__(self, slot: Slot) -> None:
        """Merge the newest frame with the others of its family, if the guard lets it.

        Where a few frames keep the others from merging, the others are tried without them. The guard is asked
        once at most, about the candidate that is likeliest to pass. Where rows of a frame are missing, all
        frames stay as they are. The listener hears the outcome.

        :param slot: of the base in memory; it is empty afterwards.
        :raises SkillStackError: one of its kinds, if the store cannot be read or changed.
        """
        frames, members = self._waiting()
        if not members:
            return
        try:
            settled = self._settled(frames, members, slot)
        except StoreError:
            raise
        except SkillStackError as error:
            family, names = frames[-1].skills[0].family, tuple(frame.name for frame in members)
            settled = [FamilySettled(family, names, None, error.message)]
        else:
            if settled[-1].merged is None:
                self._refused.write(self._key(frames), {"refused": np.ones(1, dtype=np.uint8)})
        finally:
            slot.clear()
        for event in settled:
            self.listen(event)

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

    def _settled(
        self, frames: tuple[Frame, ...], members: tuple[Frame, ...], slot: Slot
    ) -> list[FamilySettled]:
        """What became of the whole family and, where some are left out of it, of the rest."""
        snapshot = Snapshot(
            store=self.store,
            name=self.stack,
            frames=frames,
            load=lambda: Predictor(self.store, slot),
            derived=self.store.root / derived.FOLDER,
        )
        family = frames[-1].skills[0].family
        request = CompressionRequest(family, METHOD, guard=self.config)
        workspace = workspace_for(snapshot, request)
        plans = [(request, make_plan(workspace, request, self.tell))]
        blocking = plans[0][1].blocking
        if blocking and frames[-1].name not in blocking:
            rest = replace(request, without=blocking)
            plans.append((rest, make_plan(workspace, rest, self.tell)))
        asked = max((plan for _, plan in plans), key=_chance)
        settled = []
        for request, plan in plans:
            found = Compressed(plan)
            if plan is asked and plan.best is not None:
                found = guard_and_apply(workspace, plan, plan.best, request, self.transaction, self.tell)
            settled.append(FamilySettled(family, plan.frames, self._name(members, found), _why(found)))
            if found.applied:
                break
        return settled

    def _name(self, members: tuple[Frame, ...], found: Compressed) -> str | None:
        """Name of the merged frame; None where nothing was merged."""
        if not found.applied:
            return None
        skill = next(frame for frame in members if frame.name in found.plan.frames).skills[0].name
        frames = frames_from(self.store, found.tip)
        return next(frame.name for frame in frames if skill in {one.name for one in frame.skills})

    def _key(self, frames: tuple[Frame, ...]) -> str:
        config = self.config
        return sha256(
            canonical.dumps(
                {
                    "frames": [frame.content_id for frame in frames],
                    "level": repr(config.level),
                    "margin": repr(config.margin),
                    "rows": [
                        str(config.data_dir),
                        {name: _digest(path) for name, path in config.tables.items()},
                        {name: [row.row.digest() for row in rows] for name, rows in config.known.items()},
                    ],
                }
            )
        )


def _digest(path: Path) -> str:
    """SHA-256 of a table's bytes; empty where it cannot be read, which its reader will report."""
    try:
        return sha256(path.read_bytes())
    except OSError:
        return ""


def _chance(plan: Plan) -> float:
    """That the guard lets its best candidate pass; 0 where it has none."""
    return plan.best.chance if plan.best is not None else 0.0


def _why(found: Compressed) -> str:
    if found.guarded is not None:
        return found.guarded.why
    return max(found.plan.candidates, key=lambda one: one.measured.mean_difference).why
