"""An evaluation in words."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from skillstack.cli.render import width
from skillstack.cli.words import columns, shorten
from skillstack.evaluation.result import TITLES
from skillstack.wording import between, chance, many, percent, points, seconds

if TYPE_CHECKING:
    from skillstack.evaluation.paired import Paired
    from skillstack.evaluation.result import Evaluation, Matrix, TaskEvaluation

#: Ways that texts are lost to another task, that are named.
MOST_WAYS = 5


def evaluation_words(evaluation: Evaluation) -> list[str]:
    """Everything, from the answer in short to what could not be measured."""
    e = evaluation
    most = "all of each class" if e.per_class is None else f"{e.per_class} of each class at most"
    texts = sum(task.n for task in e.tasks)
    lines = [f"{e.stack}: {many(len(e.tasks), 'task')}, {texts:,} test texts ({most})", ""]
    lines += _modes(e)
    lines += ["", *_differences(e), "", *_tasks(e), "", *_router(e)]
    if e.matrix is not None:
        lines += ["", *_matrix(e.matrix)]
    notes = _notes(e)
    if notes:
        lines += ["", *notes]
    known = e.effort.answers - e.effort.asked
    lines += ["", f"{e.effort.answers:,} answers, {known:,} of them known, in {seconds(e.effort.seconds)}."]
    return lines


def _modes(e: Evaluation) -> list[str]:
    table = [["answered by", "accuracy", "95 % interval", "macro F1"]]
    for mode, score in e.modes.items():
        name = TITLES[mode]
        if mode == "latest_adapter" and not e.sequential:
            name += " *"
        table.append([name, points(score.accuracy), between(score.interval), points(score.macro_f1)])
    lines = [f"  {line}" for line in columns(table, right=(1, 2, 3))]
    if "latest_adapter" in e.modes and not e.sequential:
        lines += _wrapped(
            "* No sequential baseline: frames of this stack did not all start from their parent."
        )
    return lines


def _differences(e: Evaluation) -> list[str]:
    lines = ["On the same texts, in points:"]
    for (first, second), found in e.differences.items():
        if (first, second) == ("task_aware", "routed"):
            lines += _wrapped(_routing_cost(e, found))
        else:
            lines += _wrapped(f"{TITLES[first]} against {TITLES[second]}: {_difference(found, sign=True)}")
    return lines


def _routing_cost(e: Evaluation, found: Paired) -> str:
    said = f"Accuracy lost by routing: {_difference(found, sign=True)}."
    lost = _lost(e)
    if not lost:
        return f"{said} Every text comes to its own task's frame."
    return (
        f"{said} On average {percent(lost)} of a task's texts do not come to its own frame; "
        f"{percent(_saved(e))} of those are answered rightly all the same."
    )


def _difference(found: Paired, *, sign: bool = False) -> str:
    return f"{points(found.difference, sign=sign)} ({between(found.interval)}), {chance(found.p)}"


def _lost(e: Evaluation) -> float:
    return e.regret.wrong_skill_wrong_answer + e.regret.wrong_skill_right_answer


def _saved(e: Evaluation) -> float:
    lost = _lost(e)
    return e.regret.wrong_skill_right_answer / lost if lost else 0.0


def _tasks(e: Evaluation) -> list[str]:
    shown = ("task_aware", "routed", "latest_adapter", "frozen_linear")
    heads = ["task", "texts", "own", "routed", "latest", "frozen", "to it", "regret", "forgets"]
    table = [heads]
    for task, lost in zip(e.tasks, e.forgetting.per_task, strict=True):
        table.append(
            [
                shorten(task.task, 22),
                f"{task.n:,}",
                *[_accuracy(task, mode) for mode in shown],
                points(task.routing.task.accuracy),
                points(task.regret.difference),
                points(lost),
            ]
        )
    lines = [f"  {line}" for line in columns(table, right=tuple(range(1, len(heads))))]
    mean = points(e.forgetting.mean)
    return [*lines, *_wrapped(f"With the newest adapter alone, {mean} points would be forgotten on average.")]


def _accuracy(task: TaskEvaluation, mode: str) -> str:
    return points(task.answers[mode].count.accuracy) if mode in task.answers else "-"


def _router(e: Evaluation) -> list[str]:
    router = e.routing
    lines = _wrapped(
        f"{e.router}: {percent(router.task.accuracy)} of texts come to their task "
        f"({between(router.task_interval)}), {percent(router.family.accuracy)} to its family; best of all "
        f"scores for {percent(router.fallback)}, {router.depth:.1f} frames looked at. Its confidence is off "
        f"by {points(router.calibration.ece)} points (Brier {router.calibration.brier:.3f}).",
        indent="",
    )
    ways = sorted(
        (
            (count, task.task, other, task.n)
            for task in e.tasks
            for other, count in task.routing.taken.items()
            if other != task.task
        ),
        key=lambda way: (-way[0], way[1], way[2]),
    )
    if ways:
        table = [[task, "->", other or "nobody", f"{count:,} of {n:,}"] for count, task, other, n in ways]
        lines += ["Texts that go astray, most first:"]
        lines += [f"  {line}" for line in columns(table[:MOST_WAYS], right=(3,))]
    return lines


def _matrix(matrix: Matrix) -> list[str]:
    """Accuracy of every frame's adapter on every task, as wide as the screen allows."""
    heads = [shorten(name, 7) for name in matrix.tasks]
    table = [["adapter of", *heads]]
    for name, row in zip(matrix.frames, matrix.own_head, strict=True):
        table.append([shorten(name, 18), *[points(value) for value in row]])
    lines = columns(table, right=tuple(range(1, len(heads) + 1)))
    if max(map(len, lines)) > width() - 2:
        table = [["adapter of", "under the head of", "accuracy"]]
        for name, row in zip(matrix.frames, matrix.own_head, strict=True):
            table += [[name, task, points(value)] for task, value in zip(matrix.tasks, row, strict=True)]
        lines = columns(table, right=(2,))
    return ["Every frame's adapter under every task's head:", *(f"  {line}" for line in lines)]


def _notes(e: Evaluation) -> list[str]:
    lines: list[str] = []
    for name, why in e.skipped.items():
        lines += _wrapped(f"Not evaluated: {name}. {why}", indent="")
    for task in e.tasks:
        if task.other_rows:
            lines += _wrapped(f"{task.task}: the rows here are others than those it was taught.", indent="")
        if task.fewer and e.per_class is not None:
            low, high = min(task.fewer.values()), max(task.fewer.values())
            there = f"{low}" if low == high else f"{low} to {high}"
            labels = many(len(task.fewer), "label")
            lines += _wrapped(f"{task.task}: {there} test rows of {labels}, not {e.per_class}.", indent="")
    return lines


def _wrapped(text: str, indent: str = "  ") -> list[str]:
    following: Sequence[str] = (indent, indent + "  ")
    return textwrap.wrap(text, width(), initial_indent=following[0], subsequent_indent=following[1])
