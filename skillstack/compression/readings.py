"""For how many candidates guard rows were read: with each it is likelier that one passes by chance.

What is remembered lies beside the store and can be lost; it changes no verdict.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from skillstack.compression.rows import SkillRows
from skillstack.store import canonical
from skillstack.store.canonical import sha256
from skillstack.store.derived import Derived

#: Derived files that remember it, with the version of how.
KIND = "guarded-1"


def read_before(folder: Path, rows: Sequence[SkillRows], candidate: str) -> int:
    """Note that the guard rows of some skills are read for a candidate.

    :param folder: of all derived files.
    :param candidate: SHA-256 of what is tested.
    :returns: for how many others they were read before, at most, of all of these skills.
    """
    kept, own = Derived(folder, KIND), bytes.fromhex(candidate)
    most = 0
    for one in rows:
        if not len(one.guard):
            continue
        key = sha256(canonical.dumps([row.digest() for row in one.guard.rows]))
        found = (kept.read(key) or {}).get("candidates", np.zeros((0, 32), dtype=np.uint8))
        others = {bytes(row) for row in found.astype(np.uint8)} - {own}
        most = max(most, len(others))
        listed = np.frombuffer(b"".join(sorted({*others, own})), dtype=np.uint8).reshape(-1, 32)
        kept.write(key, {"candidates": listed})
    return most
