"""A compression as JSON."""

from __future__ import annotations

from typing import Any

from skillstack.answers import SCHEMA
from skillstack.compression.result import (
    Candidate,
    Compressed,
    Guarded,
    Judged,
    Plan,
    Screened,
    SkillChange,
    Whole,
)
from skillstack.evaluation.document import DIGITS
from skillstack.store.records import Count


def compressed_json(found: Compressed) -> dict[str, Any]:
    """The document that `skillstack compress --json` prints. Shares are 0 to 1, with six digits."""
    return {
        "schema": SCHEMA,
        "plan": plan_json(found.plan),
        "guarded": None if found.guarded is None else _guarded(found.guarded),
        "applied": found.applied,
        "tip": found.tip,
    }


def plan_json(plan: Plan) -> dict[str, Any]:
    """What would be done."""
    return {
        "stack": plan.stack,
        "tip": plan.tip,
        "family": plan.family,
        "target_bytes": plan.target,
        "frames": list(plan.frames),
        "without_adapter": list(plan.idle),
        "without": list(plan.without),
        "margin": plan.margin,
        "level": plan.level,
        "bytes": plan.bytes,
        "family_bytes": plan.family_bytes,
        "candidates": [_candidate(one, plan) for one in plan.candidates],
        "screened": [_screened(one, plan) for one in plan.screened],
        "chosen": plan.chosen,
        "blocking": list(plan.blocking),
        "guard_rows": dict(plan.guard_rows),
        "skipped": dict(plan.skipped),
        "left_out": dict(plan.left_out),
    }


def _candidate(one: Candidate, plan: Plan) -> dict[str, Any]:
    return {
        "name": one.name,
        "way": one.way,
        "heads": one.heads,
        "merges": one.merges,
        "settings": dict(one.settings),
        "bytes": {"before": plan.bytes, "after": one.bytes},
        "family_bytes": {"before": plan.family_bytes, "after": one.family_bytes},
        "verdict": one.verdict,
        "why": one.why,
        "chance": round(one.chance, DIGITS),
        **_judged(one.dev),
    }


def _screened(one: Screened, plan: Plan) -> dict[str, Any]:
    return {
        "name": one.name,
        "way": one.way,
        "merges": one.merges,
        "bytes": {"before": plan.bytes, "after": one.bytes},
        "family_bytes": {"before": plan.family_bytes, "after": one.family_bytes},
        "mean_difference": round(one.difference, DIGITS),
        "rows": one.rows,
    }


def _guarded(guarded: Guarded) -> dict[str, Any]:
    return {
        "candidate": guarded.candidate.name,
        "passes": guarded.passes,
        "verdict": guarded.verdict,
        "why": guarded.why,
        "read_before": guarded.before,
        **_judged(guarded.guard),
        "loss_at_most": {one.skill: round(one.test.most, DIGITS) for one in guarded.guard.skills},
    }


def _judged(judged: Judged) -> dict[str, Any]:
    before, after = judged.before, judged.after
    return {
        "part": judged.part,
        "skills": [change_json(change) for change in judged.skills],
        "mean_difference": round(judged.mean_difference, DIGITS),
        **{
            figure: {"before": _figure(before, figure), "after": _figure(after, figure)}
            for figure in ("accuracy", "routed", "regret")
        },
        "others": {"changed": judged.others, "n": judged.others_of, "unasked": list(judged.unasked)},
    }


def change_json(change: SkillChange) -> dict[str, Any]:
    """One skill before and after."""
    test = change.test
    return {
        "skill": change.skill,
        "task": change.task,
        "frame": change.frame,
        "n": test.n,
        "before": count_json(change.before),
        "after": count_json(change.after),
        "difference": round(change.difference, DIGITS),
        "interval": [round(change.interval.low, DIGITS), round(change.interval.high, DIGITS)],
        "lost": test.lost,
        "gained": test.gained,
        "disagreement": round(test.disagreement, DIGITS),
        "p": test.p,
        "passes": test.passes,
        "needed": test.needed,
    }


def count_json(count: Count) -> dict[str, Any]:
    """Right answers, of how many."""
    return {"accuracy": round(count.accuracy, DIGITS), "correct": count.correct, "n": count.n}


def _figure(whole: Whole, name: str) -> float:
    return round(float(getattr(whole, name)), DIGITS)
