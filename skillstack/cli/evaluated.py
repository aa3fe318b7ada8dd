"""An evaluation in words."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from skillstack.cli.render import width
from skillstack.cli.words import columns, shorten
from skillstack.evaluation.result import TITLES
from skillstack.wording import between, chance, listed, many, percent, points, seconds

if TYPE_CHECKING:
    from skillstack.evaluation.result import Evaluation, Matrix, TaskEvaluation
    from skillstack.evaluation.statistics import Paired

#: Ways that texts are lost to another task, that are named.
MOST_WAYS = 5
#: Labels without a test row that are named.
MOST_LABELS = 5
#: What is taught on training rows, in a sentence.
IN_WORDS = {"frozen_linear": "a linear head on the frozen base", "majority_class": "the most frequent label"}


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
        if mode == "latest_adapter" and e.sequential is False:
            name += " *"
        if score.tasks < len(e.tasks):
            name += f" ({score.tasks} of {len(e.tasks)} tasks)"
        table.append([name, points(score.accuracy), between(score.interval), points(score.macro_f1)])
    lines = [f"  {line}" for line in columns(table, right=(1, 2, 3))]
    if "latest_adapter" in e.modes and e.sequential is False:
        lines += _wrapped(
            "* No sequential baseline: frames of this stack did not all start from their parent."
        )
    if any(score.tasks < len(e.tasks) for score in e.modes.values()):
        lines += _wrapped(
            "What was not measured on every task is a mean over fewer, to be held against others by the "
            "differences alone: those are of the same texts."
        )
    return lines


def _differences(e: Evaluation) -> list[str]:
    lines = ["On the same texts, in points:"]
    for (first, second), found in e.differences.items():
        if (first, second) == ("task_aware", "routed"):
            lines += _wrapped(_routing_cost(e, found))
        else:
            tasks = len(e.having(first, second))
            on = f" on {tasks} of {len(e.tasks)} tasks" if tasks < len(e.tasks) else ""
            names = f"{TITLES[first]} against {TITLES[second]}{on}"
            lines += _wrapped(f"{names}: {_difference(found, sign=True)}")
    return lines


def _routing_cost(e: Evaluation, found: Paired) -> str:
    said = f"Accuracy lost by routing: {_difference(found, sign=True)}."
    lost = _lost(e)
    if not lost:
        return f"{said} Every text comes to its own task's skill."
    return (
        f"{said} On average {percent(lost)} of a task's texts do not come to its own skill; "
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
                shorten(task.skill, 22),
                f"{task.n:,}",
                *[_accuracy(task, mode) for mode in shown],
                points(task.routing.task.accuracy),
                points(task.regret.difference),
                "-" if lost is None else points(lost),
            ]
        )
    lines = [f"  {line}" for line in columns(table, right=tuple(range(1, len(heads))))]
    mean = e.forgetting.mean
    if mean is None:
        return [*lines, *_wrapped("Nothing came after these, so nothing could have been forgotten.")]
    said = f"With the newest adapter alone, {points(mean)} points would be forgotten on average."
    return [*lines, *_wrapped(said)]


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
            (count, task.skill, other, task.n)
            for task in e.tasks
            for other, count in task.routing.taken.items()
            if other != task.skill
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
            lines += _wrapped(f"{task.skill}: the rows here are others than those it was taught.", indent="")
        for mode, why in task.unmeasured.items():
            lines += _wrapped(f"{task.skill}: not held against {IN_WORDS[mode]}. {why}", indent="")
        lines += _wrapped(_fewer(task, e.per_class), indent="")
    return lines


def _fewer(task: TaskEvaluation, per_class: int | None) -> str:
    """Which labels have too few test rows; nothing where none has."""
    said = []
    none = [label for label, rows in task.fewer.items() if not rows]
    if none:
        named = listed([shorten(label, 30) for label in none[:MOST_LABELS]])
        more = f" and {len(none) - MOST_LABELS} more" if len(none) > MOST_LABELS else ""
        said.append(f"no test row of {named}{more}")
    some = [rows for rows in task.fewer.values() if rows]
    if some:
        low, high = min(some), max(some)
        there = f"{low}" if low == high else f"{low} to {high}"
        said.append(f"{there} test rows of {many(len(some), 'label')}, not {per_class}")
    return f"{task.skill}: {'; '.join(said)}." if said else ""


def _wrapped(text: str, indent: str = "  ") -> list[str]:
    following: Sequence[str] = (indent, indent + "  ")
    return textwrap.wrap(text, width(), initial_indent=following[0], subsequent_indent=following[1])
