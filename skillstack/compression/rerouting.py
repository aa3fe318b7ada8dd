"""Scores of routers for orders of frames that no stack has yet: each router is fitted once, and not kept."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from skillstack.routers.base import Scores
from skillstack.routers.stack_router import StackRouter
from skillstack.store import canonical
from skillstack.store.canonical import sha256
from skillstack.store.derived import Derived
from skillstack.store.records import FrameRecord
from skillstack.store.rows import Row
from skillstack.store.store import Store

#: Derived files that hold scores, with the version of how these are computed.
KIND = "rerouted-1"


def rerouted(
    store: Store, stack: str, derived: Path
) -> Callable[[Sequence[tuple[str, FrameRecord]], list[Row]], Scores]:
    """Gives scores of rows by the router of a chain; those that were computed before are read.

    :param stack: whose name the router's folder has.
    :param derived: folder of all derived files.
    """
    router, files = StackRouter(store, stack, keep=False), Derived(derived, KIND)

    def scores(chain: Sequence[tuple[str, FrameRecord]], rows: list[Row]) -> Scores:
        contents = tuple(chain)
        names = {"rows": [row.digest() for row in rows], "state": router.folder(contents).name}
        key = sha256(canonical.dumps(names))
        found = files.read(key)
        if found is not None and set(found) == {"values", "readable", "frames", "threshold", "skills"}:
            values = np.where(found["readable"], found["values"], -np.inf)
            return Scores(
                np.asarray(values, dtype=np.float32),
                tuple(json.loads(found["skills"].tobytes())),
                tuple(int(place) for place in found["frames"]),
                float(found["threshold"][0]),
            )
        made = router.scores(contents, rows)
        files.write(
            key,
            {
                # A skill that cannot read a row has no score, and no file holds what is not finite.
                "values": np.where(np.isfinite(made.values), made.values, np.float32(0)),
                "readable": np.isfinite(made.values).astype(np.uint8),
                "frames": np.array(made.frames, dtype=np.int64),
                "threshold": np.array([made.threshold], dtype=np.float64),
                "skills": np.frombuffer(json.dumps(made.skills).encode(), dtype=np.uint8),
            },
        )
        return made

    return scores
