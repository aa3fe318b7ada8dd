"""The router of a stack: its state found by digest, fitted from the stored samples where it is missing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skillstack.errors import IntegrityError, UsageError
from skillstack.frames.records import Content
from skillstack.frames.rows import Row
from skillstack.frames.samples import FeatureSamples, ReferenceSamples
from skillstack.frames.store import Store
from skillstack.routers import registry, state
from skillstack.routers.features import HashedRows, hash_rows
from skillstack.routers.fitting import RouterState, fit_state, state_digest
from skillstack.routers.result import RouteResult
from skillstack.routers.samples import SkillSamples
from skillstack.tasks.references import resolve

#: Contents of a stack with their ids, oldest first.
Chain = Sequence[tuple[str, Content]]


class StackRouter:
    """Routes for one stack of a store.

    :ivar store: the store.
    :ivar stack: the stack's name.
    """

    def __init__(self, store: Store, stack: str) -> None:
        self.store, self.stack = store, stack
        self._state: RouterState | None = None

    def route(self, chain: Chain, rows: Sequence[Row], *, router: str, **options: Any) -> list[RouteResult]:
        """The choice for each row.

        :param router: a name of the registry.
        :param options: ``threshold`` and ``depth``, for routers that have them.
        :raises UsageError: if there is no such router, or an option is none of its own.
        """
        chosen = registry.create(router, self.state(chain), **options)
        return chosen.decide(np.where(_barred(chain, rows), np.float32(-np.inf), chosen.scores(rows)))

    def state(self, chain: Chain) -> RouterState:
        """The state that fits a chain: loaded, or fitted where it is missing or damaged.

        A state is named by what it follows from, so one that belongs to another chain is never taken.
        """
        digest = _digest(chain)
        if self._state is None or self._state.inputs != digest:
            folder = self.folder(chain)
            try:
                self._state = state.load(folder, digest)
            except IntegrityError:
                self._state = self.fit(chain)
        return self._state

    def fit(self, chain: Chain) -> RouterState:
        """Fit the state of a chain from the stored samples, and keep it where the store can be written.

        :raises IntegrityError: if samples are missing or were altered.
        :raises UsageError: if a skill kept no samples.
        """
        digest = _digest(chain)
        samples = [
            SkillSamples(skill.name, position, self._rows(skill.name, skill.samples))
            for position, (_, content) in enumerate(chain)
            for skill in content.skills
        ]
        fitted = fit_state(samples, inputs=digest)
        if not self.store.read_only:
            state.save(self.folder(chain), fitted)
        return fitted

    def folder(self, chain: Chain) -> Path:
        """Where the state of a chain lies."""
        return self.store.routers / self.stack / _digest(chain)

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


def check_router_file(path: Path) -> bool:
    """Check a file of a router state; returns whether it is one.

    :raises IntegrityError: if it is damaged.
    """
    if path.name not in (state.RECORD, state.TENSORS):
        return False
    state.check(path.parent)
    return True


def unneeded_states(store: Store) -> list[Path]:
    """Files of router states that fit no stack's tip. They can be fitted again."""
    chains = {stack: store.contents(stack) for stack in store.stacks()}
    needed = {store.routers / stack / _digest(chain) for stack, chain in chains.items() if chain}
    found = store.routers.glob("*/*/*") if store.routers.is_dir() else []
    return sorted(path for path in found if path.is_file() and path.parent not in needed)


def _barred(chain: Chain, rows: Sequence[Row]) -> NDArray[np.bool_]:
    """Which skills cannot read which rows, bool ``[rows, skills]``: one text is no pair, a pair no text.

    A row that no skill can read is left to all of them, and the one that is chosen says what is wrong.
    """
    pairs = np.array([skill.pair for _, content in chain for skill in content.skills])
    barred = np.array([row.has_pair for row in rows])[:, None] != pairs[None, :]
    found: NDArray[np.bool_] = barred & ~barred.all(axis=1, keepdims=True)
    return found


def _digest(chain: Chain) -> str:
    return state_digest(
        (skill.name, skill.samples or "", position)
        for position, (_, content) in enumerate(chain)
        for skill in content.skills
    )
