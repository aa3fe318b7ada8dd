"""An ablation in words."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from skillstack.cli.render import width
from skillstack.cli.words import columns, shorten
from skillstack.wording import between, listed, many, percent, points, size

if TYPE_CHECKING:
    from skillstack.compression.ablation import Ablation, FrameRemoval, Pruning

#: Skills that take texts over, that are named for each frame.
MOST_TAKERS = 3
#: What a skill is called that is not there.
NOBODY = "nobody"


def ablated_words(found: Ablation, refused: str | None) -> list[str]:
    """What each frame is worth, and what became of the one that was to be pruned.

    :param refused: why the stack cannot be changed; None where it can.
    """
    lines = _wrapped(
        f"{found.stack}: {many(found.frames, 'frame')}, {points(found.routed)} routed on "
        f"{many(found.texts, 'dev row')} of {many(found.tasks, 'task')}",
        indent="",
    )
    lines += ["", *_removals(found.removals)]
    if len(found.removals) == 1:
        lines += ["", *_every_task(found.removals[0])]
    else:
        lines += ["", *_losses(found.removals), "", *_takers(found.removals)]
    lines += _notes(found)
    return [*lines, "", *(_next(found, refused) if found.pruning is None else _pruned(found.pruning))]


def _removals(removals: Sequence[FrameRemoval]) -> list[str]:
    heads = ["without", "adapter", "loses", "95 % interval", "own tasks", "redundant"]
    table = [heads]
    for one in removals:
        own = "-"
        if one.before is not None and one.after is not None:
            own = f"{points(one.before)} -> {points(one.after)}"
        share = "-" if one.redundancy is None else percent(one.redundancy)
        loss = one.loss
        table.append(
            [
                shorten(one.frame, 22),
                size(one.bytes) if one.bytes else "-",
                points(loss.difference),
                between(loss.interval),
                own,
                share,
            ]
        )
    return [
        *_table(table, right=(1, 2, 3, 4, 5)),
        *_wrapped(
            "Loses: routed accuracy, mean over tasks, in points. Redundant: which share of its own tasks' "
            "lead over the most frequent label stays without it."
        ),
    ]


def _every_task(removal: FrameRemoval) -> list[str]:
    """All tasks of one removal, and all who take over."""
    table = [["task", "rows", "with it", "without", "loses", "95 % interval"]]
    for task in removal.tasks:
        table.append(
            [
                shorten(task.skill, 24),
                f"{task.before.n:,}",
                points(task.before.accuracy),
                points(task.after.accuracy),
                points(task.loss.difference),
                between(task.loss.interval),
            ]
        )
    return [*_table(table, right=(1, 2, 3, 4, 5)), "", *_takers([removal], most=len(removal.taken))]


def _losses(removals: Sequence[FrameRemoval]) -> list[str]:
    """Tasks whose loss is more than chance, frame by frame."""
    rows = [
        [
            shorten(one.frame, 22),
            shorten(task.skill, 22),
            f"{points(task.before.accuracy)} -> {points(task.after.accuracy)}",
            between(task.loss.interval),
        ]
        for one in removals
        for task in one.tasks
        if task.loss.interval.low > 0
    ]
    if not rows:
        return ["No task loses more than chance explains."]
    heads = ["without", "the task loses", "routed", "95 % interval"]
    return _table([heads, *rows], right=(2, 3))


def _takers(removals: Sequence[FrameRemoval], most: int = MOST_TAKERS) -> list[str]:
    lines = ["Who takes the texts over that the router gives it:"]
    for one in removals:
        named = [f"{name or NOBODY} {texts:,}" for name, texts in list(one.taken.items())[:most]]
        more = len(one.taken) - len(named)
        tail = f" and {many(more, 'other')}" if more else ""
        said = f"{', '.join(named)}{tail}" if named else "it gets none"
        lines += _wrapped(f"{one.frame} ({many(one.texts, 'text')}): {said}")
    if any(None in one.taken for one in removals):
        lines += _wrapped("Nobody: no other skill reads such texts, so they stay without a right answer.")
    return lines


def _notes(found: Ablation) -> list[str]:
    lines: list[str] = []
    for one in found.removals:
        if len(one.skills) > 1:
            count = many(len(one.skills), "skill")
            lines += _wrapped(f"{one.frame} has {count}, and all go with it: {listed(list(one.skills))}.", "")
    for name, why in found.skipped.items():
        lines += _wrapped(f"Not asked: {name}. {why}", indent="")
    return ["", *lines] if lines else []


def _next(found: Ablation, refused: str | None) -> list[str]:
    margin = points(found.margin)
    least = min(found.removals, key=lambda one: max(task.loss.difference for task in one.tasks))
    if max(task.loss.difference for task in least.tasks) >= found.margin:
        each = "it" if len(found.removals) == 1 else "any of them"
        return _wrapped(
            f"Nothing has changed. Without {each} some task would lose {margin} points or more, so the guard "
            "would not let it go.",
            indent="",
        )
    if refused is not None:
        return _wrapped(f"Nothing has changed. {refused}", indent="")
    lines = _wrapped(
        f"Nothing has changed. To prune a frame, if no task may lose {margin} points or more on guard rows:",
        indent="",
    )
    options = "" if margin == "1.0" else f" --margin {100 * found.margin:g}"
    return [*lines, f"  skillstack ablate --frame {least.frame}{options} --apply"]


def _pruned(pruning: Pruning) -> list[str]:
    table = [["guard rows of", "rows", "before", "after", "change", "p"]]
    for one in pruning.skills:
        table.append(
            [
                shorten(one.skill, 24),
                f"{one.test.n:,}",
                points(one.before.accuracy) if one.test.n else "-",
                points(one.after.accuracy) if one.test.n else "-",
                points(one.difference, sign=True) if one.test.n else "-",
                f"{one.test.p:.2g}",
            ]
        )
    lines = [*_table(table, right=(1, 2, 3, 4, 5))]
    if not pruning.applied:
        return [*lines, *_wrapped(f"Nothing has changed, as the guard says: {pruning.why}.", indent="")]
    lines += _wrapped(f"The guard passes: {pruning.why}.", indent="")
    lines += _wrapped(
        f"{pruning.frame} is off the stack, and the router is fitted without it. `skillstack undo` brings it "
        "back.",
        indent="",
    )
    return lines


def _table(table: Sequence[Sequence[str]], right: Sequence[int] = ()) -> list[str]:
    return [f"  {line}" for line in columns(table, right)]


def _wrapped(text: str, indent: str = "  ") -> list[str]:
    return textwrap.wrap(text, width(), initial_indent=indent, subsequent_indent=indent + "  ")
