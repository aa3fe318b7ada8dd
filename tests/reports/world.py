"""Evaluations made by hand: the answers are invented, and every measure of them is the real one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from skillstack.continual.leaderboard import leaderboard
from skillstack.evaluation.answered import AnsweredRows
from skillstack.evaluation.intervals import wilson
from skillstack.evaluation.metrics import calibration, forgetting, macro, regret
from skillstack.evaluation.result import (
    MODES,
    Answers,
    Effort,
    Evaluation,
    Matrix,
    RegretScore,
    RouterScore,
    Score,
    TaskEvaluation,
    TaskRouting,
)
from skillstack.evaluation.stack import COMPARED
from skillstack.evaluation.statistics import mean_interval, paired
from skillstack.reports.material import Bench, FrameFacts, Material
from skillstack.store.canonical import sha256
from skillstack.store.records import BaseIdentity, Count
from skillstack.store.rows import Row

from ..bench.conftest import by_hand

BASE = BaseIdentity(sha256(b"weights"), sha256(b"tokenizer"), "bert", 4, 2, "a/base", "1")
#: How good each way to answer is.
SKILL = {
    "task_aware": 0.9,
    "latest_adapter": 0.6,
    "frozen_linear": 0.7,
    "majority_class": 0.5,
}
REGRET = (
    "wrong_skill_wrong_answer",
    "wrong_skill_right_answer",
    "right_skill_wrong_answer",
    "right_skill_right_answer",
)


def evaluation(
    names: Sequence[str] = ("films", "cards", "trips"),
    *,
    skill: Mapping[str, float] = SKILL,
    skipped: Mapping[str, str] | None = None,
    fewer: Mapping[str, int] | None = None,
    matrix: bool = True,
    rows: int = 80,
    seconds: float = 1.0,
) -> Evaluation:
    """An evaluation of these tasks."""
    rng = np.random.default_rng(7)
    tasks = tuple(
        _task(name, place, names, skill, fewer or {}, rows, rng) for place, name in enumerate(names)
    )
    modes = {
        mode: Score(
            macro([task.answers[mode].count.accuracy for task in tasks]),
            mean_interval([task.answers[mode].right for task in tasks]),
            macro([task.answers[mode].macro_f1 for task in tasks]),
            rows * len(tasks),
            len(tasks),
        )
        for mode in MODES
        if all(mode in task.answers for task in tasks)
    }
    pairs = [(task.answers["task_aware"].right, task.answers["routed"].right) for task in tasks]
    home = Count(sum(task.routing.task.correct for task in tasks), rows * len(tasks))
    confidence = rng.uniform(0.3, 1.0, rows * len(tasks))
    return Evaluation(
        stack="mine",
        tip=sha256(b"tip"),
        base=BASE.name,
        precision="fp32",
        router="hybrid_chain",
        per_class=40,
        tasks=tasks,
        skipped=skipped or {},
        modes=modes,
        differences={
            (a, b): paired([(task.answers[a].right, task.answers[b].right) for task in tasks])
            for a, b in COMPARED
            if {a, b} <= set(modes)
        },
        regret=RegretScore(
            macro([task.regret.difference for task in tasks]),
            paired(pairs).interval,
            *[macro([getattr(task.regret, part) / task.n for task in tasks]) for part in REGRET],
        ),
        routing=RouterScore(
            home,
            wilson(home),
            home,
            wilson(home),
            0.25,
            2.5,
            (*names, ""),
            tuple(tuple(task.routing.taken.get(name, 0) for name in (*names, "")) for task in tasks),
            calibration(confidence, rng.random(len(confidence)) < confidence),
        ),
        forgetting=forgetting(
            [task.answers["task_aware"].count.accuracy for task in tasks],
            [task.answers["latest_adapter"].count.accuracy for task in tasks],
        ),
        sequential=False,
        calibration=calibration(confidence, rng.random(len(confidence)) < confidence),
        matrix=_matrix(names, rng) if matrix else None,
        effort=Effort(4 * rows * len(tasks), 17, seconds),
    )


def _task(name, place, names, skill, fewer, rows, rng) -> TaskEvaluation:
    draws = rng.random(rows)
    right = {mode: (draws + rng.normal(0, 0.05, rows)) < level for mode, level in skill.items()}
    home = rng.random(rows) < 0.9
    right["routed"] = np.where(home, right["task_aware"], rng.random(rows) < 0.3)
    other = names[(place + 1) % len(names)] if len(names) > 1 else ""
    labels = np.arange(rows) % 2
    return TaskEvaluation(
        task=name,
        skill=name,
        frame=name,
        family="intent",
        labels=("no", "yes"),
        texts=sha256(name.encode()),
        answers={
            mode: Answers(hits, wilson(Count(int(hits.sum()), rows)), float(hits.mean()) * 0.9)
            for mode, hits in right.items()
        },
        own=AnsweredRows(
            names=("no", "yes"),
            rows=tuple(Row(f"{name} {row}") for row in range(rows)),
            right=labels,
            given=np.where(right["task_aware"], labels, 1 - labels),
            probabilities=np.linspace(0.4, 1.0, rows),
            choices=tuple(name if own else other or None for own in home),
        ),
        routing=TaskRouting(
            Count(int(home.sum()), rows),
            Count(rows, rows),
            rows // 4,
            2.5,
            {name: int(home.sum()), other: rows - int(home.sum())},
        ),
        regret=regret(right["task_aware"], right["routed"], home),
        fewer=fewer if place == 0 else {},
        other_rows=False,
    )


def _matrix(names: Sequence[str], rng: np.random.Generator) -> Matrix:
    size = len(names)
    values = tuple(tuple(map(float, row)) for row in rng.uniform(0.4, 1.0, (size, size)))
    own = tuple(
        tuple(v if i == j or i < j else None for j, v in enumerate(row)) for i, row in enumerate(values)
    )
    return Matrix(tuple(names), ("intent",) * size, tuple(names), values, own)


def facts(names: Sequence[str]) -> tuple[FrameFacts, ...]:
    """Frames of one task each, every other one started from its parent."""
    return tuple(
        FrameFacts(
            name=name,
            id=sha256(f"node {name}".encode()),
            content=sha256(name.encode()),
            skills=(name,),
            tasks=(name,),
            families=("intent",),
            labels=2,
            parent=names[place - 1] if place else None,
            init_from=names[place - 1] if place % 2 else None,
            adapter_bytes=100_000 * (place % 2),
            head_bytes=3_000,
            seconds=12.5,
            seed=42,
            compressed=False,
            environment={"torch": "2.9"},
        )
        for place, name in enumerate(names)
    )


def material(found: Evaluation | None = None, bench: Bench | None = None) -> Material:
    """All that a report needs."""
    e = found if found is not None else evaluation()
    names = [task.task for task in e.tasks] + list(e.skipped)
    return Material(e, facts(names), BASE, "skillstack report --stack mine", {"numpy": "2.0"}, bench)


def bench() -> Bench:
    """A bench of two methods and one seed."""
    right = {"skillstack": "1" * 45 + "0" * 5, "sequential": "1" * 30 + "0" * 20}
    cells = tuple(
        by_hand(
            method,
            {"one": bits, "two": bits},
            trajectory=((0.9, 0.2), (end, 0.8)),
            command=f"skillstack bench --methods {method}",
            digest=sha256(method.encode()),
            environment={"torch": "2.9"},
        )
        for (method, bits), end in zip(right.items(), (0.9, 0.4), strict=True)
    )
    return Bench(leaderboard(cells), cells)
