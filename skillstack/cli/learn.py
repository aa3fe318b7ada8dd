"""``skillstack learn``: a skill from a table, how good it is, and what it does to routing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from skillstack.cli import console
from skillstack.cli.command import Invocation, command
from skillstack.cli.console import OUT_OF_TIME, pairs, short, shorten, table
from skillstack.cli.options import (
    Running,
    batch_size_option,
    data_dir_option,
    device_option,
    encoding_option,
    gathering,
    model_option,
    precision_option,
    recipe_options,
    rows_option,
    running,
    seed_option,
)
from skillstack.errors import UsageError
from skillstack.wording import between, many, percent

if TYPE_CHECKING:
    from skillstack.data.own_table import TableReport
    from skillstack.learning import HeldOutResult, TakenTexts
    from skillstack.results import Frame
    from skillstack.stack import Learned

#: How many other tasks are named.
MOST_TASKS = 4
#: What was compared, by its name in a record, in the order of the table.
CANDIDATES = {
    "linear": "head on the frozen base",
    "ngrams": "head on n-grams",
    "average": "both heads",
    "lora": "adapter",
    "lora+ngrams": "adapter, and head on n-grams",
}

#: What the table is and what becomes of it; the command gets ``lesson``, as `Stack.learn` takes it.
_lesson = gathering(
    dict, "lesson",
    click.option("--family", metavar="NAME", help="Family of the skill. Default: a family of its own."),
    click.option("--text-column", "text", metavar="NAME", help="Column with the texts. Default: detected."),
    click.option(
        "--pair-column", "pair", metavar="NAME", help="Column with the second texts. Default: none."
    ),
    click.option(
        "--label-column", "label", metavar="NAME", help="Column with the labels. Default: detected."
    ),
    encoding_option,
    click.option(
        "--test-size", type=float, default=0.2, show_default=True, metavar="X",
        help="Share of the rows that is held out for testing.",
    ),
    click.option(
        "--max-per-class", type=int, metavar="N", help="Maximum training rows per class.  [default: all]"
    ),
    click.option(
        "--drop-label", "drop_labels", multiple=True, metavar="NAME",
        help="Label whose rows are left out, such as nan. Can be repeated.",
    ),
    click.option("--drop-rare", is_flag=True, help="Leaves out labels with too few rows to train with."),
    click.option("--replace", is_flag=True, help="Replace the frame of this name, at the tip."),
    model_option("Base model of a new stack, or the folder of the stack's own base model.", "NAME"),
    precision_option("Precision of the base model of a new stack."),
    device_option(),
    data_dir_option,
    rows_option,
)  # fmt: skip


@command(
    "skillstack learn tickets tickets.csv",
    "skillstack learn tickets tickets.csv --family support --label-column queue",
    "skillstack learn entailed pairs.tsv --text-column premise --pair-column hypothesis",
    "skillstack learn tickets more-tickets.parquet --replace",
    "skillstack learn tickets tickets.csv --method average --stack quick",
    "skillstack learn tickets tickets.csv --time-limit 30m",
    "skillstack learn mails mails.csv --family support --auto-compress --rows tickets=tickets.csv",
)
@click.argument("name")
@click.argument("file")
@_lesson
@recipe_options(
    click.option(
        "--method",
        type=click.Choice(["auto", "lora", "linear", "ngrams", "average"]),
        help="What is learned: an adapter (lora), a head on the frozen base (linear), a head on n-grams that "
        "needs no base (ngrams), both heads (average), or the best of these.  [default: auto]",
    ),
    seed_option,
    batch_size_option,
)
@running
def learn(
    call: Invocation,
    name: str,
    file: str,
    lesson: dict[str, Any],
    recipe: dict[str, Any],
    run: Running,
) -> int:
    """Learn a skill from a table of your own: CSV, TSV, JSON lines or Parquet.

    The columns are detected, or an error asks for them. Held-out rows show how good the new frame is and what
    it does to routing. On the reference stack, learn starts a copy called main. Stopped and run again, it
    continues where it was.
    """
    if (lesson["data_dir"] is not None or lesson["tables"]) and not run.auto_compress:
        raise UsageError(
            "--data-dir and --rows name rows of other skills, which only --auto-compress uses.",
            "Add --auto-compress, or leave them out.",
        )
    from skillstack.cli.watching import watched_training
    from skillstack.stack import Stack

    before = call.current()
    base = {name: lesson.pop(name) for name in ("model", "precision", "device")}
    opened = Stack.open(call.store, call.stack, **base, create=True)
    to, copied = opened.to_add_to()

    def tell(report: TableReport) -> None:
        current = ", the current stack" if to.name == before else ""
        kind = ", a copy of the reference stack" if copied else current
        where = ("stack", f"{to.name}{kind}, in {to.store.root}")
        console.note("\n".join(pairs([*table_rows(report), where])))

    with watched_training() as listen:
        from skillstack.data.memory import TableOptions
        from skillstack.training.recipe import Recipe

        rows = {name: lesson.pop(name) for name in ("data_dir", "tables")}
        learned = opened.learn(
            name,
            file,
            family=lesson.pop("family"),
            replace=lesson.pop("replace"),
            table=TableOptions(**lesson, keep_texts=run.keep_texts),
            recipe=Recipe(**recipe),
            run=run.options(on_event=listen, on_table=tell, **rows),
        )
    call.answer(learned.to_json, lambda: learned_words(learned, call, before))
    return 0 if learned.complete else OUT_OF_TIME


def table_rows(report: TableReport) -> list[tuple[str, str]]:
    """What was found in a table, before anything is trained."""
    from skillstack.training.recipe import GUARDED_FROM

    found = [
        (reason.role, f"{shorten(reason.column, 30)}: {reason.why}") for reason in report.columns.reasons
    ]
    labels = many(len(report.columns.labels), "label")
    used = f"{report.test:,} to test with, {report.train:,} to learn from"
    rows = ("rows", f"{report.test + report.train:,}: {used}, {labels}")
    notes = list(report.notes)
    if report.train >= GUARDED_FROM:
        notes.append(
            "A fifth of the rows to learn from is kept for the guard of `compress`; "
            "--set hold_guard=false learns from them too."
        )
    return [*found, rows, *(("note", note) for note in notes)]


def learned_words(learned: Learned, call: Invocation, before: str | None = None) -> list[str]:
    """The new frame: how good it is, what it confuses, and what it does to routing.

    :param before: the stack that was the current one.
    """
    copied = f"{learned.stack.name} is a copy of the reference stack; --stack NAME starts an empty one."
    note = [copied] if learned.copied else []
    if learned.frame is None:
        from skillstack.cli.watching import UNFINISHED

        return [*note, *UNFINISHED]
    frame, skill, stack = learned.frame, learned.frame.skill(learned.name), learned.stack.name
    title = (
        f"{learned.change} {skill.name} ({skill.family}): frame {frame.position + 1} of {stack}, "
        f"{short(frame.id)}"
    )
    if learned.change == "nothing":
        title = f"Nothing to do: {stack} has {skill.name} from these rows already."
    tested = ["No rows were held out, so its accuracy is unknown."]
    if learned.test is not None:
        tested = [*_accuracies(learned.test), *_confusions(learned.test)]
    tested += _candidates(learned)
    commands = (
        call.line("predict", "a text of yours"),
        call.line("predict", "--input", "more.csv", "--output", "answers.csv", "--frame", skill.name),
        call.line("undo"),
    )
    next_ = ["", "Try", *(f"  {command}" for command in commands)]
    note += call.now_current(before, stack)
    return [title, *note, "", *tested, "", *_routing(learned, frame), *next_]


def _candidates(learned: Learned) -> list[str]:
    """What was compared on rows that it had not seen, and what the choice means; nothing for older frames."""
    from skillstack.evaluation.intervals import wilson

    if learned.frame is None:
        return []
    skill = learned.frame.skill(learned.name)
    found = {name: skill.metrics[f"{name}_dev"] for name in CANDIDATES if f"{name}_dev" in skill.metrics}
    if not found:
        return []
    chosen, dev = learned.frame.method(skill), skill.metrics["dev"]
    rows = [
        [
            f"{CANDIDATES[name]}, chosen" if name == chosen else CANDIDATES[name],
            percent(count.accuracy),
            between(wilson(count)),
            f"{count.n:,}",
        ]
        for name, count in found.items()
    ]
    counts = learned.table.train_counts
    most, majority = max(counts, key=lambda label: counts[label]), max(counts.values()) / learned.table.train
    lines = ["", *table(["ON ROWS NOT YET SEEN", "ACCURACY", "95 % INTERVAL", "ROWS"], rows, indent=0)]
    if wilson(dev).low <= majority:
        lines.append(f"This is no better than always answering {most!r}: nothing was learned.")
    return lines


def _accuracies(tested: HeldOutResult) -> list[str]:
    from skillstack.evaluation.intervals import wilson

    counts = {
        "this frame": tested.frame,
        "linear head on the frozen base": tested.frozen_linear,
        "always the most frequent label": tested.majority,
    }
    rows = [
        [name, percent(count.accuracy), between(wilson(count)), f"{count.n:,}"]
        for name, count in counts.items()
        if count is not None
    ]
    return table(["ON HELD-OUT ROWS", "ACCURACY", "95 % INTERVAL", "ROWS"], rows, indent=0)


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
        share = f"{percent(tested.routed.accuracy)} of its held-out rows are routed to it"
        others = f"; others are routed to {_named(tested.strays)}" if tested.strays else ""
        rows.append(("routing", share + others))
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
