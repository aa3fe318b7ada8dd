"""The router of a stack: its state found by digest, fitted from the stored samples where it is missing."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skillstack.errors import IntegrityError, SkillStackError, StoreError, UsageError
from skillstack.process_lock import ProcessLock
from skillstack.results import Route
from skillstack.routers.base import RECORD, TENSORS, Router, Scores, SkillSamples, read_state
from skillstack.routers.features import HashedRows, hash_rows
from skillstack.routers.registry import DEFAULT, create, names, router_class
from skillstack.store.records import FrameRecord
from skillstack.store.rows import Row
from skillstack.store.samples import REDACTED_SUFFIX, FeatureSamples, ReferenceSamples
from skillstack.store.store import Store
from skillstack.store.walk import Stop, walk

#: Frame records of a stack with their ids, oldest first.
Chain = Sequence[tuple[str, FrameRecord]]

#: Routers that stay in memory; those of compression and ablation ask for one chain after another.
_KEPT = 2


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
        self._known: dict[str, Router] = {}
        # Of the chain that was asked last: working the digest out takes longer than routing a text.
        self._digests: dict[tuple[str, ...], str] = {}
        self._lock = ProcessLock()

    def route(self, chain: Chain, rows: Sequence[Row], *, router: str, **options: Any) -> list[Route]:
        """The choice for each row.

        :param router: a name of the registry.
        :param options: ``threshold`` and ``depth``, for routers that have them.
        :raises UsageError: if there is no such router, or an option is none of its own.
        """
        chosen, scores, trust = self._read(chain, rows, router, options)
        return chosen.decide(scores, trust)

    def scores(self, chain: Chain, rows: Sequence[Row], *, threshold: float | None = None) -> Scores:
        """The scores of each row, with all that the chain rule needs to choose by them.

        :param threshold: score above which the chain accepts; None for the calibrated one.
        :raises UsageError: if the threshold is no number.
        """
        chosen, values, _ = self._read(chain, rows, DEFAULT, {"threshold": threshold})
        return Scores(values, chosen.skills, chosen.frames, chosen.threshold)

    def _read(
        self, chain: Chain, rows: Sequence[Row], router: str, options: Mapping[str, Any]
    ) -> tuple[Router, NDArray[np.float32], NDArray[np.float64]]:
        fitted = self.fitted(chain, router)
        chosen = create(router, fitted, **options)
        try:
            scores, trust = chosen.read(rows)
        except IntegrityError:  # of a large state, a part is read and checked only when a text needs it
            chosen = create(router, self._instead_of(fitted, chain, router), **options)
            scores, trust = chosen.read(rows)
        return chosen, np.where(_barred(chain, rows), np.float32(-np.inf), scores), trust

    def fitted(self, chain: Chain, router: str = DEFAULT) -> Router:
        """The router of a chain, without options: loaded, or fitted where its state is missing or damaged.

        A state is named by what it follows from, so one that belongs to another chain is never taken.

        :raises UsageError: if there is no such router.
        :raises StoreError: if it must be fitted, and texts of its samples were left out of the bundle that
            the stack came in.
        """
        key = router, *(content_id for content_id, _ in chain)
        if (known := self._known.get(self._digests.get(key, ""))) is not None:
            return known
        folder = self.folder(chain, router)
        with self._lock:
            known = self._known.get(folder.name)
            if known is None:
                try:
                    known = router_class(router).load(folder)
                except IntegrityError:
                    known = self._fit_again(chain, router)
                self._remember(known)
            self._digests = {key: known.inputs}
        return known

    def _instead_of(self, damaged: Router, chain: Chain, router: str) -> Router:
        """A router of a chain that is fitted anew, unless another thread has done so meanwhile."""
        with self._lock:
            known = self._known.get(damaged.inputs)
            if known is None or known is damaged:
                known = self._fit_again(chain, router)
                self._remember(known)
        return known

    def _remember(self, router: Router) -> None:
        """Keep the newest few. Routers that share a state share what is kept: `create` makes each of it."""
        kept = {**self._known, router.inputs: router}
        self._known = {inputs: kept[inputs] for inputs in list(kept)[-_KEPT:]}

    def fit(self, chain: Chain, router: str = DEFAULT) -> Router:
        """Fit the router of a chain from the stored samples, and keep its state if the store can be written.

        :raises IntegrityError: if samples are missing or were altered.
        :raises UsageError: if a skill kept no samples, or there is no such router.
        :raises StoreError: if the disk fails.
        """
        fitted = self._fitted(chain, router)
        if self._keeps:
            fitted.save(self.folder(chain, router))
        return fitted

    def _fitted(self, chain: Chain, router: str) -> Router:
        samples = [
            SkillSamples(stop.skill.name, stop.place, self._rows(stop.skill.name, stop.skill.samples))
            for stop in _walk(chain)
        ]
        return router_class(router).fit(samples, inputs=next(_digests(chain, router)))

    def _fit_again(self, chain: Chain, router: str) -> Router:
        if self._is_redacted(chain):
            raise StoreError(
                f"The router's state of the stack {self.stack!r} is missing or damaged, and cannot be fitted "
                "anew: sample texts were left out when the stack was exported.",
                "Import the same bundle again, or one made with `skillstack export --with-texts`.",
            )
        fitted = self._fitted(chain, router)
        if self._keeps:
            # A full disk costs the next command the same seconds, and this one nothing.
            with contextlib.suppress(StoreError):
                fitted.save(self.folder(chain, router))
        return fitted

    def _is_redacted(self, chain: Chain) -> bool:
        """Whether sample texts of it were left out, so that no state can be fitted."""
        return any(self.store.is_redacted(path) for _, content in chain for path in content.files)

    def files(self, chain: Chain, *, fit: bool = True) -> dict[Path, bytes]:
        """The files of the state of a chain, tensors first; none where there is no state.

        Their paths are relative to the folder of all states of a stack.

        :param fit: whether a state that is missing or damaged is fitted, where that is possible.
        """
        with contextlib.suppress(IntegrityError):
            if found := self.fitting(chain, read_state(self.folder(chain))):
                return found
        # Without samples of every skill, kept and here, there is nothing to fit from.
        skills = [skill for _, content in chain for skill in content.skills]
        if not fit or not all(
            s.samples and not self.store.is_redacted(f"samples/{s.samples}") for s in skills
        ):
            return {}
        fitted = self.fit(chain)
        return {Path(fitted.inputs) / name: data for name, data in fitted.encode().items()}

    def fitting(self, chain: Chain, files: Mapping[str, bytes]) -> dict[Path, bytes]:
        """These files of a state, if they are whole and follow from this chain; else none.

        A state of an older fit is one as well. Paths are those of `files`.

        :param files: by their names.
        """
        if RECORD not in files or not {RECORD, TENSORS}.issuperset(files):
            return {}
        for digest in _digests(chain, DEFAULT):
            with contextlib.suppress(StoreError):
                router_class(DEFAULT).decode(files, digest, what="that was given")
                return {Path(digest) / name: files[name] for name in (TENSORS, RECORD) if name in files}
        return {}

    def folder(self, chain: Chain, router: str = DEFAULT) -> Path:
        """The folder of a chain's state: that of an older fit where none can be fitted any more."""
        folders = [self.store.routers / self.stack / digest for digest in _digests(chain, router)]
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
            from skillstack.data.sources import resolve  # a router that need not be fitted reads no task

            return hash_rows(resolve(samples.source, samples.rows))
        return hash_rows(samples.rows)


def router_file_check(needed: Collection[Path] | None = None) -> Callable[[Path], bool]:
    """Make a check of router files: it returns whether a file is one, and raises if its state is damaged.

    Both files of a state are read at the first of them, and the second one shares what was found.

    :param needed: folders of states that a stack needs now; None for all. Elsewhere a state without its
        record, which is written last, is one whose writing a crash ended, and no damage.
    """

    @cache
    def trouble(folder: Path) -> SkillStackError | None:
        if needed is not None and folder not in needed and not (folder / RECORD).exists():
            return None
        try:
            files = read_state(folder)
        except SkillStackError as error:
            return error
        found: SkillStackError | None = None
        # The state is whole where it is the one of any router; else it counts as the default one's.
        for router in (DEFAULT, *names()):
            try:
                router_class(router).decode(files, folder.name, what=str(folder))
            except SkillStackError as error:
                found = found or error.with_traceback(None)  # which would keep the files' bytes
            else:
                return None
        return found

    def check(path: Path) -> bool:
        if path.name not in (RECORD, TENSORS):
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
    return {folder for stack, chain in chains.items() if chain for folder in _folders(store, stack, chain)}


def _folders(store: Store, stack: str, chain: Chain) -> Iterator[Path]:
    """Where the states of a chain lie, one for each router."""
    return (StackRouter(store, stack).folder(chain, router) for router in names())


def unneeded_states(store: Store) -> list[Path]:
    """Files of router states that fit no stack's tip. They can be fitted again."""
    from skillstack.store import removal

    needed = needed_states(store)
    if any((store.root / "samples").glob(f"*{REDACTED_SUFFIX}")):
        needed |= _irreplaceable(store)
    found = removal.find(store.routers, removal.KNOWN["routers"])
    return [path for path in found.files if path.parent not in needed]


def _irreplaceable(store: Store) -> set[Path]:
    """Folders of states that an undo or redo would need and that could not be fitted: texts were left out."""
    from skillstack.store.history import read_history

    found: set[Path] = set()
    for stack in store.stacks():
        history = read_history(store, stack)
        for tip in {tip for step in history.steps for tip in (step.before, step.after)}:
            try:
                chain = store.contents_to(tip)
            except IntegrityError:
                continue  # an earlier collection took it
            if any(store.is_redacted(path) for _, content in chain for path in content.files):
                found.update(_folders(store, stack, chain))
    return found


def _barred(chain: Chain, rows: Sequence[Row]) -> NDArray[np.bool_]:
    """Which skills cannot read which rows, bool ``[rows, skills]``: one text is no pair, a pair no text.

    A row that no skill can read is left to all of them, and the one that is chosen says what is wrong.
    """
    pairs = np.array([stop.skill.pair for stop in _walk(chain)])
    barred = np.array([row.has_pair for row in rows])[:, None] != pairs[None, :]
    found: NDArray[np.bool_] = barred & ~barred.all(axis=1, keepdims=True)
    return found


def _digests(chain: Chain, router: str) -> Iterator[str]:
    skills = [(stop.skill.name, stop.skill.samples or "", stop.place) for stop in _walk(chain)]
    return router_class(router).digests(skills)


def _walk(chain: Chain) -> list[Stop]:
    """The skills in the order of a router's columns."""
    return walk(content for _, content in chain)
