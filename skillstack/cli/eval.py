"""``skillstack eval``: how good the stack is, how sure that is, and what the baselines reach."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from skillstack.cli import console
from skillstack.cli.command import Invocation, command
from skillstack.cli.console import shorten, table, width, wrapped
from skillstack.cli.inputs import say_own_tables
from skillstack.cli.options import encoding_option, measuring, router_option, where
from skillstack.wording import between, chance, listed, many, percent, points, seconds

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from skillstack.data.tables import Table
    from skillstack.evaluation.answered import WrongAnswer
    from skillstack.evaluation.result import Effort, Evaluation, Matrix, TaskEvaluation
    from skillstack.evaluation.statistics import Paired

#: What is printed at Ctrl-C.
GO_ON = "Finished answers are kept; run the same command again to continue."
#: Wrong answers that are written at a time.
ERROR_ROWS = 1024
#: How many of the ways in which texts go astray are listed.
MOST_WAYS = 5
#: How many labels of a task that is evaluated alone are listed, and how many pairs of confused ones.
MOST_SCORES, MOST_PAIRS = 10, 5
#: The most labels of which the confusion is shown as a matrix.
MOST_COLUMNS = 6
#: How many labels without a test row are named.
MOST_LABELS = 5
#: The baselines that are taught on training rows, in a sentence.
IN_WORDS = {"frozen_linear": "a linear head on the frozen base", "majority_class": "the most frequent label"}


@command(
    "skillstack eval",
    "skillstack eval --data-dir data --eval-samples-per-class all",
    "skillstack eval --task banking --task travel",
    "skillstack eval --test tickets=more-tickets.csv",
    "skillstack eval --task tickets --errors wrong.csv",
    "skillstack eval --matrix --json > evaluation.json",
)
@measuring
@encoding_option
@click.option("--matrix", is_flag=True, help="Also evaluate every frame on every task.")
@click.option(
    "--errors", metavar="FILE", help="Table for every wrongly answered text: CSV, TSV, JSON lines or Parquet."
)
@router_option
def eval_(
    call: Invocation,
    measured: dict[str, Any],
    encoding: str | None,
    matrix: bool,
    errors: str | None,
    router: str,
) -> int:
    """Measure how good the stack is, with confidence intervals and baselines.

    Every test text is answered by its own frame, by the frame that the router picks, by the newest adapter,
    and by a linear head on the frozen base. Answers are kept, so a second call is quick. The intervals are
    95 % confidence intervals.

    With --errors, each text that its own frame answers wrongly is a row of a table, with the right label, the
    answer and its probability, and whether the router sends the text elsewhere.
    """
    if errors is not None:
        from skillstack.cli.batch import check_output
        from skillstack.data.batches import known_format

        known_format(errors)
        check_output(errors, "--errors")
    opened = call.open(**where(measured))
    measured["tables"] = {name: _opened(path, encoding) for name, path in measured["tables"].items()}
    say_own_tables(opened, measured["tables"], "--test", measured["only"])
    with console.count_progress("answers", interrupted=GO_ON) as show:
        found = opened.evaluate(matrix=matrix, routing={"router": router}, **measured, on_answers=show)
    if errors is not None:
        write_errors(errors, found.mistakes)
    call.answer(found.to_json, lambda: evaluation_words(found))
    if errors is not None:
        console.note(f"{many(len(found.mistakes), 'wrong answer')} in {errors}")
    return 0


def write_errors(output: str, mistakes: Sequence[WrongAnswer]) -> None:
    """Write wrong answers as a table in the format of the file's ending; it appears when it is whole.

    :raises UsageError: if the file cannot be written.
    """
    from skillstack.cli.batch import open_cell_sink
    from skillstack.data.batches import TableBatch

    columns = ("task", "text", "text_pair", "label", "answer")
    added = {"probability": float, "routed_elsewhere": str, "routed_to": str}
    with open_cell_sink(output, columns, added) as write:
        for start in range(0, len(mistakes), ERROR_ROWS):
            part = mistakes[start : start + ERROR_ROWS]
            rows: list[tuple[str, ...]] = [
                (one.skill, one.row.text, one.row.text_pair or "", one.label, one.answer) for one in part
            ]
            numbers = list(range(start + 1, start + len(part) + 1))
            write(
                TableBatch(columns, rows, numbers, numbers),
                [
                    {
                        "probability": round(one.probability, 6),
                        "routed_elsewhere": "yes" if one.routed_elsewhere else "no",
                        "routed_to": one.routed_to,
                    }
                    for one in part
                ],
            )


def _opened(path: Path, encoding: str | None) -> Table:
    """A table of test rows; how it is read is said."""
    from skillstack.data.tables import open_table

    found = open_table(path, encoding=encoding)
    for said in found.notes:
        console.note(said)
    return found


def evaluation_words(e: Evaluation) -> list[str]:
    """Everything, from the answer in short to what could not be measured."""
    most = "all of each class" if e.per_class is None else f"at most {e.per_class} of each class"
    texts = sum(task.n for task in e.tasks)
    lines = [f"{e.stack}: {many(len(e.tasks), 'task')}, {texts:,} test texts ({most})", ""]
    lines += [*_modes(e), "", *_differences(e), "", *_tasks(e), "", *_router(e)]
    if len(e.tasks) == 1:
        lines += ["", *_labels(e.tasks[0]), "", *_coverage(e.tasks[0])]
    if e.matrix is not None:
        lines += ["", *_matrix(e.matrix)]
    notes = _notes(e)
    return [*lines, *(["", *notes] if notes else []), "", effort_words(e.effort)]


def effort_words(effort: Effort) -> str:
    """How many answers an evaluation took, and how many of them an earlier one had kept."""
    known, took = effort.answers - effort.asked, seconds(effort.seconds)
    return f"It took {effort.answers:,} answers, {known:,} of them kept from before, and {took}."


def _modes(e: Evaluation) -> list[str]:
    from skillstack.evaluation.result import TITLES

    rows = []
    for mode, score in e.modes.items():
        name = TITLES[mode]
        if mode == "latest_adapter" and e.sequential is False:
            name += " *"
        if score.tasks < len(e.tasks):
            name += f" ({score.tasks} of {len(e.tasks)} tasks)"
        rows.append([name, points(score.accuracy), between(score.interval), points(score.macro_f1)])
    lines = table(["ANSWERED BY", "ACCURACY", "95 % INTERVAL", "MACRO F1"], rows)
    if "latest_adapter" in e.modes and e.sequential is False:
        lines += wrapped(
            "* Not a sequential baseline: not all frames of this stack were trained from their parent.", "  "
        )
    if any(score.tasks < len(e.tasks) for score in e.modes.values()):
        lines += wrapped(
            "A baseline that was not measured on every task is a mean over fewer tasks; compare it only by "
            "the differences, which are measured on the same texts.",
            "  ",
        )
    return lines


def _differences(e: Evaluation) -> list[str]:
    from skillstack.evaluation.result import TITLES

    lines = ["On the same texts, in points:"]
    for (first, second), found in e.differences.items():
        if (first, second) == ("task_aware", "routed"):
            lines += wrapped(_routing_cost(e, found), "  ")
        else:
            tasks = len(e.having(first, second))
            on = f" on {tasks} of {len(e.tasks)} tasks" if tasks < len(e.tasks) else ""
            lines += wrapped(f"{TITLES[first]} against {TITLES[second]}{on}: {difference(found)}", "  ")
    return lines


def difference(found: Paired) -> str:
    """``+1.2 (0.3 to 2.1), p = 0.01``."""
    return f"{points(found.difference, sign=True)} ({between(found.interval)}), {chance(found.p)}"


def _routing_cost(e: Evaluation, found: Paired) -> str:
    said = f"Accuracy lost by routing: {difference(found)}."
    right = e.regret.wrong_skill_right_answer
    lost = e.regret.wrong_skill_wrong_answer + right
    if not lost:
        return f"{said} Every text is routed to its own task's skill."
    return (
        f"{said} On average {percent(lost)} of a task's texts are routed to another skill; "
        f"{percent(right / lost)} of those get the right answer all the same."
    )


def _tasks(e: Evaluation) -> list[str]:
    shown = ("task_aware", "routed", "latest_adapter", "frozen_linear")
    rows = [
        [
            task.skill,
            f"{task.n:,}",
            *[_accuracy(task, mode) for mode in shown],
            points(task.routing.task.accuracy),
            points(task.regret.difference),
            "-" if lost is None else points(lost),
        ]
        for task, lost in zip(e.tasks, e.forgetting.per_task, strict=True)
    ]
    heads = ["TASK", "TEXTS", "OWN", "ROUTED", "LATEST", "FROZEN", "TO IT", "REGRET", "FORGETS"]
    mean = e.forgetting.mean
    said = (
        "No task came after these, so nothing could have been forgotten."
        if mean is None
        else f"With the newest adapter alone, {points(mean)} points would be forgotten on average."
    )
    return [*table(heads, rows), *wrapped(said, "  ")]


def _accuracy(task: TaskEvaluation, mode: str) -> str:
    return points(task.answers[mode].count.accuracy) if mode in task.answers else "-"


def _labels(task: TaskEvaluation) -> list[str]:
    """The labels of a task that its own frame tells worst from the others, and what they are taken for."""
    confusion = task.own.confusion
    worst = confusion.worst
    rows = [
        [
            shorten(one.label, 30),
            *["-" if value is None else points(value) for value in (one.precision, one.recall, one.f1)],
            f"{one.support:,}",
        ]
        for one in worst[:MOST_SCORES]
    ]
    lines = [
        "Labels by its own frame, lowest F1 first:",
        *table(["LABEL", "PRECISION", "RECALL", "F1", "TEXTS"], rows),
    ]
    if len(worst) > MOST_SCORES:
        lines.append(f"  {len(worst) - MOST_SCORES} more")
    if len(confusion.labels) <= MOST_COLUMNS:
        heads = ["TEXTS OF", *(shorten(label, 9) for label in confusion.labels)]
        counts = [
            [shorten(label, 20), *(f"{count:,}" for count in line)]
            for label, line in zip(confusion.labels, confusion.counts, strict=True)
        ]
        return [*lines, "Right label by row, given label by column:", *table(heads, counts)]
    pairs = confusion.mistakes
    if pairs:
        shown = [
            [shorten(label, 30), "->", shorten(answer, 30), f"{wrong:,} of {of:,}"]
            for label, answer, wrong, of in pairs[:MOST_PAIRS]
        ]
        lines += ["Labels given in place of another, most first:", *table([], shown, left=(0, 1, 2))]
        if len(pairs) > MOST_PAIRS:
            lines.append(f"  {len(pairs) - MOST_PAIRS} more")
    return lines


def _coverage(task: TaskEvaluation) -> list[str]:
    """How many texts are answered, and how well, where unsure answers are left out."""
    rows = [
        [
            f"{one.min_probability:g}",
            f"{one.answered.n:,} of {one.n:,}",
            points(one.coverage),
            "-" if one.accuracy is None else points(one.accuracy),
        ]
        for one in task.own.coverage
    ]
    heads = ["LEAST PROBABILITY", "ANSWERED", "COVERAGE", "ACCURACY"]
    return ["Where unsure answers are left out (predict --min-probability):", *table(heads, rows)]


def _router(e: Evaluation) -> list[str]:
    router = e.routing
    lines = wrapped(
        f"{e.router}: {percent(router.task.accuracy)} of texts are routed to their task "
        f"({between(router.task_interval)}), {percent(router.family.accuracy)} to its family; "
        f"{percent(router.fallback)} fall back to the best of all scores; {router.depth:.1f} frames are "
        f"checked on average. Its confidence is off by {points(router.calibration.ece)} points "
        f"(Brier {router.calibration.brier:.3f})."
    )
    ways = sorted(
        (
            (count, task.skill, other, task.n)
            for task in e.tasks
            for other, count in task.routing.taken.items()
            if other != task.skill
        ),
        key=lambda way: (-way[0], way[1], way[2]),
    )[:MOST_WAYS]
    if ways:
        rows = [[task, "->", other or "nobody", f"{count:,} of {n:,}"] for count, task, other, n in ways]
        lines += ["Texts routed to another skill, most first:", *table([], rows, left=(0, 1, 2))]
    return lines


def _matrix(matrix: Matrix) -> list[str]:
    """Accuracy of every frame's adapter on every task, as wide as the screen allows."""
    by_frame = list(zip(matrix.frames, matrix.own_head, strict=True))
    title = "Every frame's adapter under every task's head:"
    if 20 + 9 * len(matrix.tasks) > width() - 2:
        rows = [
            [name, task, points(value)]
            for name, values in by_frame
            for task, value in zip(matrix.tasks, values, strict=True)
        ]
        return [title, *table(["ADAPTER OF", "UNDER THE HEAD OF", "ACCURACY"], rows, left=(0, 1))]
    heads = ["ADAPTER OF", *(shorten(name, 7) for name in matrix.tasks)]
    return [title, *table(heads, [[name, *map(points, values)] for name, values in by_frame])]


def _notes(e: Evaluation) -> list[str]:
    lines: list[str] = []
    for name, why in e.skipped.items():
        lines += wrapped(f"Not evaluated: {name}. {why}")
    for task in e.tasks:
        if task.left_out is not None:
            lines += wrapped(f"{task.skill}: {task.left_out.words(task.n)}")
        if task.other_rows:
            lines += wrapped(f"{task.skill}: the rows here differ from those it was trained on.")
        for mode, why in task.unmeasured.items():
            lines += wrapped(f"{task.skill}: not compared with {IN_WORDS[mode]}. {why}")
        lines += wrapped(_fewer(task, e.per_class))
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
