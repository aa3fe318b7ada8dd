"""What was learned from a table, in words and as JSON."""

from __future__ import annotations

import shlex
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from skillstack.cli.watching import UNFINISHED
from skillstack.cli.words import columns, pairs, short, shorten
from skillstack.evaluation.intervals import wilson
from skillstack.store.records import Count
from skillstack.training.recipe import LEARNED_PER_CLASS
from skillstack.wording import many, percent

if TYPE_CHECKING:
    from skillstack.answers import Frame
    from skillstack.data.own_table import TableReport
    from skillstack.learning import HeldOutResult, Learned, TakenTexts

#: Other tasks that are named.
MOST_TASKS = 4


def table_words(report: TableReport) -> list[str]:
    """What was found in a table, before anything is trained."""
    found = [
        (reason.role, f"{shorten(reason.column, 30)}: {reason.why}") for reason in report.columns.reasons
    ]
    labels = len(report.columns.labels)
    rows = f"{report.train:,} to train with, {report.test:,} held back, {many(labels, 'label')}"
    notes = list(report.notes)
    if report.per_class is None and max(report.train_counts.values()) > LEARNED_PER_CLASS:
        notes.append(
            f"At most {LEARNED_PER_CLASS} rows a class decide the weights; the others serve the choices "
            "and the router. --max-per-class changes that."
        )
    return pairs([*found, ("rows", rows), *(("note", note) for note in notes)])


def learned_words(learned: Learned) -> list[str]:
    """The new frame: how good it is, what it confuses, and what it does to routing."""
    if learned.frame is None:
        copied = [_copied(learned)] if learned.copied else []
        return [*copied, *UNFINISHED]
    frame, skill = learned.frame, learned.frame.skill(learned.name)
    place = f"frame {frame.position + 1} of {learned.stack}, {short(frame.id)}"
    title = f"{learned.change} {skill.name} ({skill.family}): {place}"
    if learned.change == "nothing":
        title = f"Nothing to do: {learned.stack} has {skill.name} from these rows already."
    lines = [title]
    if learned.copied:
        lines.append(_copied(learned))
    tested = learned.test
    if tested is None:
        lines += ["", "No rows were held back, so nothing is said about its accuracy."]
    else:
        lines += ["", *_accuracies(tested), *_confusions(tested)]
    return [*lines, "", *_routing(learned, frame), *_next(skill.name)]


def learned_json(learned: Learned) -> dict[str, Any]:
    """As `learn --json` shows it."""
    tested = learned.test
    return {
        "stack": learned.stack,
        "skill": learned.name,
        "complete": learned.complete,
        "frame": None if learned.frame is None else learned.frame.to_json(),
        "change": learned.change,
        "copied": learned.copied,
        "table": learned.table.to_json(),
        "test": None
        if tested is None
        else {
            "frame": _count(tested.frame),
            "frozen_linear": _count(tested.frozen_linear),
            "majority": _count(tested.majority),
            "routed": _count(tested.routed),
            "strays": [asdict(taken) for taken in tested.strays],
            "confusions": [asdict(confusion) for confusion in tested.confusions],
        },
        "lost": None if learned.lost is None else [asdict(taken) for taken in learned.lost],
    }


def _copied(learned: Learned) -> str:
    return f"{learned.stack} is a copy of the reference stack; --stack NAME starts an empty one."


def _accuracies(tested: HeldOutResult) -> list[str]:
    rows = [
        ["ON THE ROWS HELD BACK", "ACCURACY", "95 % INTERVAL", "ROWS"],
        _accuracy("this frame", tested.frame),
    ]
    if tested.frozen_linear is not None:
        rows.append(_accuracy("linear head on the frozen base", tested.frozen_linear))
    rows.append(_accuracy("always the most frequent label", tested.majority))
    return columns(rows, right=(1, 3))


def _accuracy(name: str, count: Count) -> list[str]:
    interval = wilson(count)
    return [
        name,
        percent(count.accuracy),
        f"{100 * interval.low:.1f} to {100 * interval.high:.1f}",
        f"{count.n:,}",
    ]


def _confusions(tested: HeldOutResult) -> list[str]:
    lines: list[str] = []
    for confusion in tested.confusions:
        head = f"{shorten(confusion.label, 24)} taken for {shorten(confusion.answer, 24)}"
        lines.append(f"  {head}: {confusion.rows} of {confusion.of}")
        lines += [f"    {shorten(text, 72)}" for text in confusion.examples[:1]]
    return ["", "Most confused", *lines] if lines else []


def _routing(learned: Learned, frame: Frame) -> list[str]:
    rows = []
    if (tested := learned.test) is not None:
        share = f"{percent(tested.routed.accuracy)} of its held-back rows come to it"
        rows = [("routing", share + (f"; others go to {_named(tested.strays)}" if tested.strays else ""))]
    if learned.lost is None:
        rows.append(("other tasks", "too few sample texts to tell what they lose to it"))
    elif learned.lost:
        rows.append(("other tasks", f"lose sample texts to it: {_named(learned.lost)}"))
    elif frame.position:
        rows.append(("other tasks", "lose no sample text to it"))
    return pairs(rows, indent=0)


def _named(taken: tuple[TakenTexts, ...]) -> str:
    named = [f"{one.task} {one.rows:,} of {one.of:,}" for one in taken[:MOST_TASKS]]
    if len(taken) > MOST_TASKS:
        named.append(f"{len(taken) - MOST_TASKS} more")
    return ", ".join(named)


def _next(skill: str) -> list[str]:
    name = shlex.quote(skill)
    return [
        "",
        "Try",
        '  skillstack predict "a text of yours"',
        f"  skillstack predict --input more.csv --output answers.csv --frame {name}",
        "  skillstack undo",
    ]


def _count(count: Count | None) -> dict[str, Any] | None:
    if count is None:
        return None
    interval = wilson(count)
    return {
        "correct": count.correct,
        "n": count.n,
        "accuracy": round(count.accuracy, 6),
        "low": round(interval.low, 6),
        "high": round(interval.high, 6),
    }
