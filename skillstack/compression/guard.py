"""The guard: one candidate, tested once on rows that neither training nor any choice has seen."""

from __future__ import annotations

from skillstack.compression.examining import Examiner
from skillstack.compression.result import Guarded
from skillstack.compression.tried import Tried
from skillstack.compression.verdicts import said


def guard(examiner: Examiner, tried: Tried) -> Guarded:
    """Test a candidate: every affected skill by itself, and what other families' texts are answered.

    Each skill passes or not at the level by itself, and all have to pass, so the chance that a candidate with
    a skill that loses the margin passes is below the level, however many skills there are (Berger 1982,
    https://doi.org/10.2307/1267823).
    """
    judged = examiner.judged("guard", tried.parts)
    verdict, why = said(judged)
    return Guarded(tried.candidate, judged, verdict, why)
