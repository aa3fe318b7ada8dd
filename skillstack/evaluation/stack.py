"""Evaluating a stack on its tasks' test rows: who answers, who is right, and what would do instead."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from skillstack.evaluation.answered import AnsweredRows
from skillstack.evaluation.intervals import wilson
from skillstack.evaluation.metrics import (
    CalibrationError,
    Forgetting,
    Mask,
    accuracy,
    calibration,
    count_of,
    forgetting,
    macro,
    macro_f1,
    regret,
)
from skillstack.evaluation.prediction_plan import NO_TRAINING_ROWS, Logits, PredictionPlan, families_of
from skillstack.evaluation.predictions import Predictions
from skillstack.evaluation.questions import EvaluatedStack, EvaluationConfig, SkillQuestions, stack_questions
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
    tasks_having,
)
from skillstack.evaluation.statistics import Paired, mean_interval, paired
from skillstack.results import Frame
from skillstack.routers.base import probabilities
from skillstack.store import canonical
from skillstack.store.canonical import sha256
from skillstack.store.records import Count

Integers = NDArray[np.int64]
#: Pairs of modes that are compared on the same texts.
COMPARED = (
    ("task_aware", "routed"),
    ("routed", "latest_adapter"),
    ("routed", "frozen_linear"),
    ("task_aware", "frozen_linear"),
    ("task_aware", "latest_adapter"),
)


def evaluate(
    stack: EvaluatedStack, config: EvaluationConfig, tell: Callable[[int, int], None] = lambda done, of: None
) -> Evaluation:
    """Ask every skill its task's test rows in every mode.

    A text passes through the model once for each adapter that is asked about it (its own, the newest, the
    routed one where that is another) and once through the base alone; what was asked before is not asked
    again. An evaluation that is stopped keeps the answers that it has.

    :param tell: called with answers given by the model and answers that it has to give.
    :raises UsageError: if the stack is empty, has two skills of one name, or not what ``only`` names.
    :raises InputError: if no task has test rows, or they have labels that their skill does not know.
    :raises MismatchError: if a frame answers with numbers that are not finite; it is named.
    """
    began = time.monotonic()
    found = stack_questions(stack, config)
    entries = found.each
    wanted = PredictionPlan(stack)
    for entry in entries:
        wanted.own(entry)
        wanted.tip(entry)
        wanted.frozen(entry)
        wanted.routed(entry, entry.choices)
        if config.matrix:
            wanted.adapters(entry)
            wanted.whole_frames(entry)
    predictions = Predictions(stack.derived, stack.load, stack.precision, tell)
    logits = wanted.ask(predictions)
    tasks = tuple(_task(wanted, entry, logits) for entry in entries)
    modes = {mode: _score(having, mode) for mode in MODES if (having := tasks_having(tasks, mode))}
    differences = {
        pair: _difference(having, *pair) for pair in COMPARED if (having := tasks_having(tasks, *pair))
    }
    return Evaluation(
        stack=stack.name,
        tip=stack.tip.id,
        base=stack.tip.content.base.name,
        precision=stack.precision,
        router=stack.router,
        per_class=config.per_class,
        tasks=tasks,
        skipped=found.skipped,
        modes=modes,
        differences=differences,
        regret=_regret(tasks, differences["task_aware", "routed"]),
        routing=_routing(stack, entries, tasks),
        forgetting=_forgetting(stack, entries, tasks),
        sequential=_sequential(stack.frames),
        calibration=_calibration(entries, tasks, logits),
        matrix=_matrix(wanted, entries, logits) if config.matrix else None,
        effort=Effort(wanted.count, predictions.asked, round(time.monotonic() - began, 2)),
    )


def _task(wanted: PredictionPlan, entry: SkillQuestions, logits: Logits) -> TaskEvaluation:
    name, skill = entry.skill.name, entry.skill
    own = logits[name, "own"].argmax(axis=1)
    routed = wanted.answers(entry, entry.choices, logits)
    answers = {"task_aware": own, "routed": routed, "latest_adapter": logits[name, "tip"].argmax(axis=1)}
    if (name, "frozen") in logits:
        answers["frozen_linear"] = logits[name, "frozen"].argmax(axis=1)
    unmeasured = {"frozen_linear": wanted.unmeasured[name]} if name in wanted.unmeasured else {}
    if entry.questions.data is not None:
        answers["majority_class"] = np.full(len(own), _majority(entry))
    else:
        unmeasured["majority_class"] = NO_TRAINING_ROWS
    found = {mode: _answers(entry, values) for mode, values in answers.items()}
    home = np.array([choice == name for choice in entry.choices], dtype=bool)
    return TaskEvaluation(
        task=skill.task,
        skill=name,
        frame=entry.frame.name,
        family=skill.family,
        labels=skill.labels,
        texts=sha256(
            canonical.dumps(
                [[row.digest(), label] for row, label in zip(entry.rows, entry.questions.labels, strict=True)]
            )
        ),
        answers=found,
        own=AnsweredRows(
            names=skill.labels,
            rows=entry.rows,
            right=entry.labels,
            given=own,
            probabilities=probabilities(logits[name, "own"]).max(axis=1),
            choices=entry.choices,
        ),
        routing=TaskRouting(
            task=count_of(home),
            family=Count(sum(route.family == skill.family for route in entry.routes), len(home)),
            fallback=sum(route.fallback for route in entry.routes),
            depth=float(np.mean([route.depth for route in entry.routes])),
            taken=dict(sorted(Counter(choice or "" for choice in entry.choices).items())),
        ),
        regret=regret(found["task_aware"].right, found["routed"].right, home),
        fewer=entry.questions.fewer,
        other_rows=entry.questions.other_rows,
        left_out=entry.questions.left_out,
        unmeasured=unmeasured,
    )


def _answers(entry: SkillQuestions, values: Integers) -> Answers:
    labels = entry.labels
    right: Mask = values == labels
    return Answers(
        right=right,
        interval=wilson(count_of(right)),
        macro_f1=macro_f1(labels, values, len(entry.skill.labels)),
    )


def _majority(entry: SkillQuestions) -> int:
    """The most frequent label of the training rows; of equals the first one."""
    data = entry.questions.data
    assert data is not None
    counts = Counter(data.task.labels[example.label] for example in data.train)
    return min(range(len(entry.skill.labels)), key=lambda i: (-counts[entry.skill.labels[i]], i))


def _score(tasks: Sequence[TaskEvaluation], mode: str) -> Score:
    answers = [task.answers[mode] for task in tasks]
    return Score(
        accuracy=macro([one.count.accuracy for one in answers]),
        interval=mean_interval([one.right for one in answers]),
        macro_f1=macro([one.macro_f1 for one in answers]),
        n=sum(len(one.right) for one in answers),
        tasks=len(tasks),
    )


def _difference(tasks: Sequence[TaskEvaluation], first: str, second: str) -> Paired:
    return paired([(task.answers[first].right, task.answers[second].right) for task in tasks])


def _regret(tasks: Sequence[TaskEvaluation], found: Paired) -> RegretScore:
    """What routing costs.

    :param found: answers with the task given against routed ones.
    """

    def share(name: str) -> float:
        return macro([getattr(task.regret, name) / task.n for task in tasks])

    return RegretScore(
        difference=found.difference,
        interval=found.interval,
        wrong_skill_wrong_answer=share("wrong_skill_wrong_answer"),
        wrong_skill_right_answer=share("wrong_skill_right_answer"),
        right_skill_wrong_answer=share("right_skill_wrong_answer"),
        right_skill_right_answer=share("right_skill_right_answer"),
    )


def _routing(
    stack: EvaluatedStack, entries: Sequence[SkillQuestions], tasks: Sequence[TaskEvaluation]
) -> RouterScore:
    routes = [route for entry in entries for route in entry.routes]
    home = [route.skill == entry.skill.name for entry in entries for route in entry.routes]
    task = Count(sum(one.routing.task.correct for one in tasks), len(routes))
    family = Count(sum(one.routing.family.correct for one in tasks), len(routes))
    # Rounding may lift a certain choice a little above 1.
    sure = np.clip([route.confidence for route in routes], 0.0, 1.0)
    names = [skill.name for frame in stack.frames for skill in frame.skills]
    if any(route.skill is None for route in routes):
        names.append("")
    return RouterScore(
        task=task,
        task_interval=wilson(task),
        family=family,
        family_interval=wilson(family),
        fallback=float(np.mean([route.fallback for route in routes])),
        depth=float(np.mean([route.depth for route in routes])),
        skills=tuple(names),
        confusion=tuple(tuple(one.routing.taken.get(name, 0) for name in names) for one in tasks),
        calibration=calibration(sure, np.array(home, dtype=bool)),
    )


def _calibration(
    entries: Sequence[SkillQuestions], tasks: Sequence[TaskEvaluation], logits: Logits
) -> CalibrationError:
    sure = [probabilities(logits[entry.skill.name, "own"]).max(axis=1) for entry in entries]
    return calibration(
        np.concatenate(sure), np.concatenate([task.answers["task_aware"].right for task in tasks])
    )


def _forgetting(
    stack: EvaluatedStack, entries: Sequence[SkillQuestions], tasks: Sequence[TaskEvaluation]
) -> Forgetting:
    """As `forgetting`; nothing came after the tasks of the newest frame, which need not be among these."""
    return forgetting(
        [task.answers["task_aware"].count.accuracy for task in tasks],
        [task.answers["latest_adapter"].count.accuracy for task in tasks],
        last=sum(entry.frame.id == stack.tip.id for entry in entries),
    )


def _sequential(frames: Sequence[Frame]) -> bool | None:
    if len(frames) < 2:
        return None
    return all(newer.content.init_from == older.content_id for older, newer in pairwise(frames))


def _matrix(wanted: PredictionPlan, entries: Sequence[SkillQuestions], logits: Logits) -> Matrix:
    def own_head(frame: Frame, entry: SkillQuestions) -> float:
        found = logits[entry.skill.name, "adapter", frame.id]
        return accuracy(found.argmax(axis=1) == entry.labels)

    def frame_head(frame: Frame, entry: SkillQuestions) -> float | None:
        found = wanted.whole_frame_answers(entry, frame, logits)
        return None if found is None else accuracy(found == entry.labels)

    frames = wanted.stack.frames
    return Matrix(
        frames=tuple(frame.name for frame in frames),
        families=tuple(", ".join(families_of(frame)) for frame in frames),
        tasks=tuple(entry.skill.name for entry in entries),
        own_head=tuple(tuple(own_head(frame, entry) for entry in entries) for frame in frames),
        frame_head=tuple(tuple(frame_head(frame, entry) for entry in entries) for frame in frames),
    )
