"""An evaluation as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from skillstack.evaluation.intervals import Interval
from skillstack.evaluation.metrics import CalibrationError
from skillstack.evaluation.result import (
    MODES,
    Answers,
    Evaluation,
    Matrix,
    RouterScore,
    Score,
    TaskEvaluation,
)
from skillstack.evaluation.statistics import Paired
from skillstack.results import SCHEMA

#: Digits of a share that are kept.
DIGITS = 6


def evaluation_json(evaluation: Evaluation) -> dict[str, Any]:
    """The document that `skillstack eval --json` prints. Shares are 0 to 1, with six digits."""
    e = evaluation
    latest = _score(e.modes.get("latest_adapter"))
    if latest is not None:
        latest["sequential_baseline"] = e.sequential
    return {
        "schema": SCHEMA,
        "stack": e.stack,
        "tip": e.tip,
        "base": e.base,
        "precision": e.precision,
        "router_name": e.router,
        "eval_samples_per_class": e.per_class,
        "tasks": [_task(task) for task in e.tasks],
        "skipped": dict(e.skipped),
        **{mode: _score(e.modes.get(mode)) for mode in MODES},
        "latest_adapter": latest,
        "differences": [
            {
                "first": first,
                "second": second,
                **paired_json(found),
                "tasks": len(e.having(first, second)),
            }
            for (first, second), found in e.differences.items()
        ],
        "regret": rounded(asdict(e.regret)),
        "forgetting": {
            "tasks": {
                task.skill: rounded(value) for task, value in zip(e.tasks, e.forgetting.per_task, strict=True)
            },
            "mean": rounded(e.forgetting.mean),
            "sequential_baseline": e.sequential,
        },
        "router": _router(e.routing, [task.skill for task in e.tasks]),
        "calibration": _calibration(e.calibration),
        "matrix": None if e.matrix is None else _matrix(e.matrix),
        "effort": asdict(e.effort),
    }


def rounded(value: Any) -> Any:
    """The same with every float rounded to six digits."""
    if isinstance(value, float):
        return round(value, DIGITS)
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(item) for item in value]
    return value


def _interval(interval: Interval) -> list[float]:
    return [round(interval.low, DIGITS), round(interval.high, DIGITS)]


def _score(score: Score | None) -> dict[str, Any] | None:
    if score is None:
        return None
    return {
        "accuracy": round(score.accuracy, DIGITS),
        "interval": _interval(score.interval),
        "macro_f1": round(score.macro_f1, DIGITS),
        "n": score.n,
        "tasks": score.tasks,
    }


def _answers(answers: Answers) -> dict[str, Any]:
    return {
        "accuracy": round(answers.count.accuracy, DIGITS),
        "correct": answers.count.correct,
        "interval": _interval(answers.interval),
        "macro_f1": round(answers.macro_f1, DIGITS),
    }


def _task(task: TaskEvaluation) -> dict[str, Any]:
    return {
        "task": task.task,
        "skill": task.skill,
        "frame": task.frame,
        "family": task.family,
        "labels": len(task.labels),
        "n": task.n,
        "texts": task.texts,
        **{mode: _answers(task.answers[mode]) if mode in task.answers else None for mode in MODES},
        "routing": {
            "task": task.routing.task.correct,
            "family": task.routing.family.correct,
            "fallback": task.routing.fallback,
            "depth": round(task.routing.depth, DIGITS),
            "taken": dict(task.routing.taken),
        },
        "regret": rounded(asdict(task.regret)),
        "fewer": dict(task.fewer),
        "other_rows": task.other_rows,
        "unmeasured": dict(task.unmeasured),
    }


def paired_json(paired: Paired) -> dict[str, Any]:
    """A difference on the same texts."""
    return {
        "difference": round(paired.difference, DIGITS),
        "interval": _interval(paired.interval),
        "p": paired.p,
        "n": paired.n,
        "only_first": paired.only_first,
        "only_second": paired.only_second,
    }


def _router(router: RouterScore, skills: Sequence[str]) -> dict[str, Any]:
    return {
        "n": router.task.n,
        "task": {
            "accuracy": round(router.task.accuracy, DIGITS),
            "correct": router.task.correct,
            "interval": _interval(router.task_interval),
        },
        "family": {
            "accuracy": round(router.family.accuracy, DIGITS),
            "correct": router.family.correct,
            "interval": _interval(router.family_interval),
        },
        "fallback": round(router.fallback, DIGITS),
        "depth": round(router.depth, DIGITS),
        "confusion": {
            "rows": list(skills),
            "columns": list(router.skills),
            "counts": rounded(router.confusion),
        },
        "calibration": _calibration(router.calibration),
    }


def _calibration(calibration: CalibrationError) -> dict[str, Any]:
    found: dict[str, Any] = rounded(asdict(calibration))
    return found


def _matrix(matrix: Matrix) -> dict[str, Any]:
    found: dict[str, Any] = rounded(asdict(matrix))
    return found
