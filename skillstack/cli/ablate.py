"""``skillstack ablate``: what the stack would lose without each frame, and pruning one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from skillstack.cli import console
from skillstack.cli.command import KINDS, Invocation, again, command
from skillstack.cli.compress import before_after, check_tables, told_if_changed, why_unchangeable
from skillstack.cli.console import table, wrapped
from skillstack.cli.inputs import say_own_tables
from skillstack.cli.options import guarding, where
from skillstack.errors import UsageError
from skillstack.wording import between, listed, many, percent, points, size

if TYPE_CHECKING:
    from skillstack.compression.ablation import Ablation, FrameRemoval, Pruning

#: How many of the skills that take over a frame's texts are named.
MOST_TAKERS = 3
NOBODY = "nobody"


@command(
    "skillstack ablate",
    "skillstack ablate --family sentiment",
    "skillstack ablate --frame banking --frame travel --json > ablation.json",
    "skillstack ablate --frame travel --apply",
)
@click.option(
    "--frame", "frames", multiple=True, metavar="NAME", type=KINDS["frame"],
    help="Simulate removing only this frame; repeat the option for several frames.",
)  # fmt: skip
@click.option("--family", metavar="NAME", help="Simulate removing only the frames of this family.")
@click.option(
    "--apply", is_flag=True, help="Test the frame's removal on guard rows, and prune it if it passes."
)
@guarding
def ablate(
    call: Invocation, frames: tuple[str, ...], family: str | None, apply: bool, guards: dict[str, Any]
) -> int:
    """Show what the stack would lose without each of its frames, or prune one.

    Simulates removing each frame: the router picks among the others by their present scores, and the effect
    on every task is measured on dev rows. That changes nothing. With --apply the router is fitted without the
    frame and every task is tested once on guard rows: if one may lose the margin, nothing changes (status 1).
    `skillstack undo` brings the frame back.
    """
    if apply and (len(frames) != 1 or family is not None):
        raise UsageError("--apply prunes one frame.", "Name it with --frame, once, and leave --family out.")
    opened = call.open(**where(guards))
    # Mistakes that are quick to find are reported before anything large is loaded.
    for name in frames:
        opened.frame(name)
    if family is not None:
        from skillstack.compression.candidate import frames_with

        frames_with(opened.frames(), family)
    check_tables(opened, guards["tables"])
    say_own_tables(opened, guards["tables"], "--rows")
    with (
        told_if_changed(opened, "The frame is gone; `skillstack undo` brings it back."),
        console.count_progress("tasks") as show,
    ):
        found = opened.ablate(frames, family=family, apply=apply, on_task=show, **guards)
    call.answer(found.to_json, lambda: ablated_words(found, again, why_unchangeable(opened)))
    return 1 if found.pruning is not None and not found.pruning.applied else 0


def ablated_words(found: Ablation, repeat: Callable[..., str], refused: str | None) -> list[str]:
    """What each frame is worth, and what became of the one that was to be pruned.

    :param repeat: gives this command again, with flags and options added.
    :param refused: why the stack cannot be changed; None where it can.
    """
    lines = wrapped(
        f"{found.stack}: {many(found.frames, 'frame')}, routed accuracy {points(found.routed)} on "
        f"{many(found.texts, 'dev row')} of {many(found.tasks, 'task')}"
    )
    lines += ["", *_removals(found.removals)]
    if len(found.removals) == 1:
        one = found.removals[0]
        lines += ["", *_every_task(one), "", *_takers([one], most=len(one.taken))]
    else:
        lines += ["", *_losses(found.removals), "", *_takers(found.removals, most=MOST_TAKERS)]
    notes: list[str] = []
    for one in found.removals:
        if len(one.skills) > 1:
            count = many(len(one.skills), "skill")
            notes += wrapped(f"{one.frame} has {count}, all removed with it: {listed(list(one.skills))}.")
    for name, why in found.skipped.items():
        notes += wrapped(f"Not measured: {name}. {why}")
    lines += ["", *notes] if notes else []
    return [*lines, "", *(_next(found, repeat, refused) if found.pruning is None else _pruned(found.pruning))]


def _removals(removals: Sequence[FrameRemoval]) -> list[str]:
    rows = []
    for one in removals:
        measured = one.before is not None and one.after is not None
        rows.append(
            [
                one.frame,
                size(one.bytes) if one.bytes else "-",
                points(one.loss.difference),
                between(one.loss.interval),
                f"{points(one.before or 0)} -> {points(one.after or 0)}" if measured else "-",
                "-" if one.redundancy is None else percent(one.redundancy),
            ]
        )
    said = (
        "Loses: routed accuracy, mean over tasks, in points. Redundant: share of the frame's lead over the "
        "most frequent label, on its own tasks, that remains without it."
    )
    heads = ["WITHOUT", "ADAPTER", "LOSES", "95 % INTERVAL", "OWN TASKS", "REDUNDANT"]
    return [*table(heads, rows), *wrapped(said, "  ")]


def _every_task(removal: FrameRemoval) -> list[str]:
    rows = [
        [*before_after(task), points(task.loss.difference), between(task.loss.interval)]
        for task in removal.tasks
    ]
    return table(["TASK", "ROWS", "WITH IT", "WITHOUT", "LOSES", "95 % INTERVAL"], rows)


def _losses(removals: Sequence[FrameRemoval]) -> list[str]:
    """Tasks whose loss is more than chance, frame by frame."""
    rows = [
        [
            one.frame,
            task.skill,
            f"{points(task.before.accuracy)} -> {points(task.after.accuracy)}",
            between(task.loss.interval),
        ]
        for one in removals
        for task in one.tasks
        if task.loss.interval.low > 0
    ]
    if not rows:
        return ["No task loses more than chance explains."]
    return table(["WITHOUT", "THE TASK LOSES", "ROUTED", "95 % INTERVAL"], rows, left=(0, 1))


def _takers(removals: Sequence[FrameRemoval], most: int) -> list[str]:
    lines = ["Which skills take over the texts that the router gives it:"]
    for one in removals:
        named = [f"{name or NOBODY} {texts:,}" for name, texts in list(one.taken.items())[:most]]
        more = len(one.taken) - len(named)
        tail = f" and {many(more, 'other')}" if more else ""
        said = f"{', '.join(named)}{tail}" if named else "it gets none"
        lines += wrapped(f"{one.frame} ({many(one.texts, 'text')}): {said}", "  ")
    if any(None in one.taken for one in removals):
        lines += wrapped("Nobody: no other skill answers such texts, so no answer is right.", "  ")
    return lines


def _next(found: Ablation, repeat: Callable[..., str], refused: str | None) -> list[str]:
    margin = points(found.margin)
    least = min(found.removals, key=lambda one: max(task.loss.difference for task in one.tasks))
    if max(task.loss.difference for task in least.tasks) >= found.margin:
        each = "it" if len(found.removals) == 1 else "any of them"
        return wrapped(
            f"Nothing has changed. Without {each} some task would lose {margin} points or more, so the guard "
            "would refuse."
        )
    if refused is not None:
        return wrapped(f"Nothing has changed. {refused}")
    said = (
        f"Nothing has changed. To prune a frame, if no task may lose {margin} points or more on guard rows:"
    )
    return [*wrapped(said), f"  {repeat('--apply', frames=[least.frame], family=None)}"]


def _pruned(pruning: Pruning) -> list[str]:
    rows = [
        [*before_after(one), points(one.difference, sign=True) if one.test.n else "-", f"{one.test.p:.2g}"]
        for one in pruning.skills
    ]
    lines = table(["GUARD ROWS OF", "ROWS", "BEFORE", "AFTER", "CHANGE", "P"], rows)
    if not pruning.applied:
        return [*lines, *wrapped(f"Nothing has changed: {pruning.why}.")]
    return [
        *lines,
        *wrapped(f"The guard passes: {pruning.why}."),
        *wrapped(
            f"{pruning.frame} is off the stack, and the router is fitted without it. `skillstack undo` "
            "brings it back."
        ),
    ]
