"""The guard: one candidate, tested once on rows that neither training nor any choice has seen.

It is remembered beside the store for how many candidates guard rows were read, as with each it is likelier
that one passes by chance. That can be lost; it changes no verdict.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from skillstack.compression.candidate import Candidate
from skillstack.compression.choose import against_others
from skillstack.compression.evaluate import compare
from skillstack.compression.results import Guarded, SkillChange, Verdict
from skillstack.compression.rows import SkillRows
from skillstack.compression.workspace import Workspace
from skillstack.store import canonical
from skillstack.store.canonical import sha256
from skillstack.store.derived import Derived
from skillstack.wording import listed, points

#: Derived files that remember for which candidates rows were read, with the version of how.
KIND = "guarded-1"


def guard(workspace: Workspace, candidate: Candidate) -> Guarded:
    """Test a candidate: every affected skill by itself, and whether other families' texts lose by it.

    Each skill passes or not at the level by itself, and all have to pass, so the chance that a candidate with
    a skill that loses the margin passes is below the level, however many skills there are (Berger 1982,
    https://doi.org/10.2307/1267823).
    """
    found = compare(workspace, candidate, "guard")
    verdict, why = against_others(found) or verdict_of(found.skills)
    rows = [workspace.rows_of[skill.name] for _, skill in candidate.skills]
    before = read_before(workspace.trial.derived, rows, _key(candidate))
    return Guarded(candidate, found, verdict, why, before)


def verdict_of(skills: Sequence[SkillChange]) -> tuple[Verdict, str]:
    """What the guard says of skills, all of which have to pass."""
    failed = [one for one in skills if not one.test.passes]
    if not failed:
        worst = max(skills, key=lambda one: one.test.p)
        return (
            "passes",
            f"no task loses {points(worst.test.margin)} points or more (largest p {worst.test.p:.2g})",
        )
    certain = [one for one in failed if not one.test.cannot_tell]
    if certain:
        names = listed([f"{one.skill} ({points(one.difference, sign=True)} points)" for one in certain])
        return "loses too much", f"a loss beyond the margin is not ruled out for {names}"
    names = listed([f"{one.skill} ({one.test.n:,} of about {one.test.needed:,} rows)" for one in failed])
    return "cannot tell", f"too few guard rows for {names}"


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
        candidates = np.frombuffer(b"".join(sorted({*others, own})), dtype=np.uint8).reshape(-1, 32)
        kept.write(key, {"candidates": candidates})
    return most


def _key(candidate: Candidate) -> str:
    """Of all that answers in a candidate."""
    return sha256(
        canonical.dumps(
            [
                [
                    {name: adapter.key for name, adapter in part.adapters.items()},
                    {name: sha256(head.weight.tobytes()) for name, head in part.heads.items()},
                ]
                for part in candidate.parts
            ]
        )
    )
