"""The guard: one candidate, tested once on rows that neither training nor any choice has seen."""

from __future__ import annotations

from skillstack.compression.examining import Examiner
from skillstack.compression.readings import read_before
from skillstack.compression.result import Guarded
from skillstack.compression.tried import Tried
from skillstack.compression.verdicts import said
from skillstack.store import canonical
from skillstack.store.canonical import sha256


def guard(examiner: Examiner, tried: Tried) -> Guarded:
    """Test a candidate: every affected skill by itself, and what other families' texts are answered.

    Each skill passes or not at the level by itself, and all have to pass, so the chance that a candidate with
    a skill that loses the margin passes is below the level, however many skills there are (Berger 1982,
    https://doi.org/10.2307/1267823).
    """
    judged = examiner.judged("guard", tried.parts)
    verdict, why = said(judged)
    touched = {name for part in tried.parts for name in part.heads}
    rows = [one for one in examiner.rows if one.skill.name in touched]
    before = read_before(examiner.present.trial.derived, rows, _key(tried))
    return Guarded(tried.candidate, judged, verdict, why, before)


def _key(tried: Tried) -> str:
    """Of all that answers in a candidate."""
    return sha256(
        canonical.dumps(
            [
                [
                    {name: adapter.key for name, adapter in part.proposal.adapters.items()},
                    {name: sha256(head.weight.tobytes()) for name, head in part.heads.items()},
                ]
                for part in tried.parts
            ]
        )
    )
