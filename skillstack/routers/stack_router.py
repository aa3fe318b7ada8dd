"""The router of a stack: its state found by digest, fitted from the stored samples where it is missing."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skillstack.data.sources import resolve
from skillstack.errors import IntegrityError, SkillStackError, StoreError, UsageError
from skillstack.process_lock import ProcessLock
from skillstack.routers import registry, state
from skillstack.routers.base import Router, RouteResult, Scores, SkillSamples
from skillstack.routers.features import HashedRows, hash_rows
from skillstack.routers.state import RouterState, fit_state, state_digest
from skillstack.store import removal
from skillstack.store.history import read_history
from skillstack.store.records import FrameRecord
from skillstack.store.rows import Row
from skillstack.store.samples import REDACTED_SUFFIX, FeatureSamples, ReferenceSamples
from skillstack.store.store import Store
from skillstack.store.walk import Stop, walk

#: Contents of a stack with their ids, oldest first.
Chain = Sequence[tuple[str, FrameRecord]]


class StackRouter:
    """Routes for one stack of a store. It is safe from threads, and a state is read or fitted by one of them.

    :ivar store: the store.
    :ivar stack: the stack's name.
    """

    def __init__(self, store: Store, stack: str, *, keep: bool = True) -> None:
        """Prepare; nothing is read.

        :param keep: whether a state that had to be fitted is written down; not for chains that may never be.
        """
        self.store, self.stack = store, stack
        self._keeps = keep and not store.read_only
        self._state: RouterState | None = None
        self._lock = ProcessLock()

    def route(self, chain: Chain, rows: Sequence[Row], *, router: str, **options: Any) -> list[RouteResult]:
        """The choice for each row.

        :param router: a name of the registry.
        :param options: ``threshold`` and ``depth``, for routers that have them.
        :raises UsageError: if there is no such router, or an option is none of its own.
        """
        chosen, scores, _ = self._scored(chain, rows, router, options)
        return chosen.decide(scores)

    def scores(self, chain: Chain, rows: Sequence[Row], *, threshold: float | None = None) -> Scores:
        """The scores of each row, with all that the chain rule needs to choose by them.

        :param threshold: score above which the chain accepts; None for the calibrated one.
        :raises UsageError: if the threshold is no number.
        """
        _, values, state = self._scored(chain, rows, registry.DEFAULT, {"threshold": threshold})
        accepts = state.calibration.threshold if threshold is None else threshold
        return Scores(values, state.skills, state.frames, accepts)

    def _scored(
        self, chain: Chain, rows: Sequence[Row], router: str, options: Mapping[str, Any]
    ) -> tuple[Router, NDArray[np.float32], RouterState]:
        state = self.state(chain)
        chosen = registry.create(router, state, **options)
        try:
            scores = chosen.scores(rows)
        except IntegrityError:  # of a large state, a part is read and checked only when a text needs it
            state = self._instead_of(state, chain)
            chosen = registry.create(router, state, **options)
            scores = chosen.scores(rows)
        return chosen, np.where(_barred(chain, rows), np.float32(-np.inf), scores), state

    def state(self, chain: Chain) -> RouterState:
        """The state that fits a chain: loaded, or fitted where it is missing or damaged.

        A state is named by what it follows from, so one that belongs to another chain is never taken.

        :raises StoreError: if it must be fitted, and texts of its samples were left out of the bundle that
            the stack came in.
        """
        digest = _digest(chain)
        known = self._state
        if known is not None and known.inputs == digest:
            return known
        folder = self.folder(chain)
        with self._lock:
            known = self._state
            if known is None or known.inputs != folder.name:
                try:
                    known = state.load(folder, folder.name)
                except IntegrityError:
                    known = self._fit_again(chain)
                self._state = known
        return known

    def _instead_of(self, damaged: RouterState, chain: Chain) -> RouterState:
        """A state of a chain that is fitted anew, unless another thread has done so meanwhile."""
        with self._lock:
            known = self._state
            if known is None or known is damaged or known.inputs != damaged.inputs:
                self._state = known = self._fit_again(chain)
        return known

    def fit(self, chain: Chain) -> RouterState:
        """Fit the state of a chain from the stored samples, and keep it where the store can be written.

        :raises IntegrityError: if samples are missing or were altered.
        :raises UsageError: if a skill kept no samples.
        :raises StoreError: if the disk fails.
        """
        fitted = self._fitted(chain)
        if self._keeps:
            state.save(self.folder(chain), fitted)
        return fitted

    def _fitted(self, chain: Chain) -> RouterState:
        digest = _digest(chain)
        samples = [
            SkillSamples(stop.skill.name, stop.place, self._rows(stop.skill.name, stop.skill.samples))
            for stop in _walk(chain)
        ]
        return fit_state(samples, inputs=digest)

    def _fit_again(self, chain: Chain) -> RouterState:
        if self._is_redacted(chain):
            raise StoreError(
                f"The router's state of the stack {self.stack!r} is missing or damaged, and cannot be fitted "
                "anew: sample texts were left out when the stack was exported.",
                "Import the same bundle again, or one made with `skillstack export --with-texts`.",
            )
        fitted = self._fitted(chain)
        if self._keeps:
            # A full disk costs the next command the same seconds, and this one nothing.
            with contextlib.suppress(StoreError):
                state.save(self.folder(chain), fitted)
        return fitted

    def _is_redacted(self, chain: Chain) -> bool:
        """Whether sample texts of it were left out, so that no state can be fitted."""
        return any(self.store.is_redacted(path) for _, content in chain for path in content.files)

    def files(self, chain: Chain, *, fit: bool = True) -> dict[Path, bytes]:
        """The files of the state of a chain, tensors first; none where there is no state.

        Their paths are relative to the folder of all states of a stack.

        :param fit: whether a state that is missing or damaged is fitted, where that is possible.
        """
        found = self.fitting(chain, self._read(chain))
        skills = [skill for _, content in chain for skill in content.skills]
        # Without samples of every skill, kept and here, there is nothing to fit from.
        fit = fit and all(s.samples and not self.store.is_redacted(f"samples/{s.samples}") for s in skills)
        if found or not fit:
            return found
        return {Path(_digest(chain)) / name: data for name, data in state.encode(self.fit(chain)).items()}

    def fitting(self, chain: Chain, files: Mapping[str, bytes]) -> dict[Path, bytes]:
        """These files of a state, if they are whole and follow from this chain; else none.

        A state of an older fit is one as well. Paths are those of `files`.

        :param files: by their names.
        """
        if set(files) != {state.TENSORS, state.RECORD}:
            return {}
        for fit in (state.FIT, *state.OLDER_FITS):
            digest = _digest(chain, fit)
            with contextlib.suppress(StoreError):
                state.decode(files, digest, what="that was given")
                return {Path(digest) / name: files[name] for name in (state.TENSORS, state.RECORD)}
        return {}

    def _read(self, chain: Chain) -> dict[str, bytes]:
        try:
            return state.read(self.folder(chain))
        except IntegrityError:
            return {}

    def folder(self, chain: Chain) -> Path:
        """Where the state of a chain lies: one of an older fit where none can be fitted any more."""
        folders = [
            self.store.routers / self.stack / _digest(chain, fit) for fit in (state.FIT, *state.OLDER_FITS)
        ]
        if not folders[0].is_dir() and self._is_redacted(chain):
            return next((folder for folder in folders if folder.is_dir()), folders[0])
        return folders[0]

    def sample_count(self, chain: Chain, name: str) -> int:
        """How many sample rows a skill has.

        :raises IntegrityError: if they are missing or were altered.
        """
        samples = next(s.samples for _, content in chain for s in content.skills if s.name == name)
        return len(self.store.samples(samples)) if samples else 0

    def _rows(self, skill: str, digest: str | None) -> HashedRows:
        if digest is None:
            raise UsageError(
                f"The skill {skill!r} kept no router samples.",
                "Train it again, with samples or features kept.",
            )
        samples = self.store.samples(digest)
        if isinstance(samples, FeatureSamples):
            return HashedRows.from_tensors(samples.arrays)
        if isinstance(samples, ReferenceSamples):
            return hash_rows(resolve(samples.source, samples.rows))
        return hash_rows(samples.rows)


def router_file_check(needed: Collection[Path] | None = None) -> Callable[[Path], bool]:
    """What checks files of router states: returns whether a file is one, and raises if its state is damaged.

    Both files of a state are read at the first of them, and the second one shares what was found.

    :param needed: folders of states that a stack needs now; None for all. Elsewhere a state without its
        record, which is written last, is one whose writing a crash ended, and no damage.
    """

    @cache
    def trouble(folder: Path) -> SkillStackError | None:
        if needed is not None and folder not in needed and not (folder / state.RECORD).exists():
            return None
        try:
            state.check(folder)
        except SkillStackError as error:
            return error.with_traceback(None)  # which would keep the files' bytes
        return None

    def check(path: Path) -> bool:
        if path.name not in (state.RECORD, state.TENSORS):
            return False
        if (error := trouble(path.parent)) is not None:
            raise error
        return True

    return check


def needed_states(store: Store) -> set[Path]:
    """Folders of the router states that fit the stacks' tips.

    :raises IntegrityError: if a chain is damaged.
    """
    chains = {stack: store.contents(stack) for stack in store.stacks()}
    return {StackRouter(store, stack).folder(chain) for stack, chain in chains.items() if chain}


def unneeded_states(store: Store) -> list[Path]:
    """Files of router states that fit no stack's tip. They can be fitted again."""
    needed = needed_states(store)
    if any((store.root / "samples").glob(f"*{REDACTED_SUFFIX}")):
        needed |= _irreplaceable(store)
    found = removal.find(store.routers, removal.KNOWN["routers"])
    return [path for path in found.files if path.parent not in needed]


def _irreplaceable(store: Store) -> set[Path]:
    """Folders of states that an undo or redo would need and that could not be fitted: texts were left out."""
    found: set[Path] = set()
    for stack in store.stacks():
        history = read_history(store, stack)
        for tip in {tip for step in history.steps for tip in (step.before, step.after)}:
            try:
                chain = store.contents_to(tip)
            except IntegrityError:
                continue  # an earlier collection took it
            if any(store.is_redacted(path) for _, content in chain for path in content.files):
                found.add(StackRouter(store, stack).folder(chain))
    return found


def _barred(chain: Chain, rows: Sequence[Row]) -> NDArray[np.bool_]:
    """Which skills cannot read which rows, bool ``[rows, skills]``: one text is no pair, a pair no text.

    A row that no skill can read is left to all of them, and the one that is chosen says what is wrong.
    """
    pairs = np.array([stop.skill.pair for stop in _walk(chain)])
    barred = np.array([row.has_pair for row in rows])[:, None] != pairs[None, :]
    found: NDArray[np.bool_] = barred & ~barred.all(axis=1, keepdims=True)
    return found


def _digest(chain: Chain, fit: int = state.FIT) -> str:
    skills = ((stop.skill.name, stop.skill.samples or "", stop.place) for stop in _walk(chain))
    return state_digest(skills, fit=fit)


def _walk(chain: Chain) -> list[Stop]:
    """The skills in the order of a router's columns."""
    return walk(content for _, content in chain)
