"""``skillstack probe``: questions about the stack that accuracies by task do not answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from skillstack.cli import console
from skillstack.cli.command import Invocation, command
from skillstack.cli.console import table, wrapped
from skillstack.cli.eval import GO_ON, difference, effort_words
from skillstack.cli.options import depth_option, measuring, threshold_option, where
from skillstack.errors import UsageError
from skillstack.wording import between, many, percent, points

if TYPE_CHECKING:
    from skillstack.evaluation.probes.generalization import Generalization
    from skillstack.evaluation.probes.order import OrderProbe
    from skillstack.evaluation.probes.probing import Share
    from skillstack.evaluation.probes.redundancy import FamilyMatrix, Redundancy, StandIn
    from skillstack.evaluation.probes.registry import Probed

#: Options that belong to one probe alone, and their defaults.
OWN = {"texts": ("generalization", None), "orders": ("order", 3)}
#: How many frames of an order are named.
MOST_FRAMES = 4


@command(
    "skillstack probe generalization",
    "skillstack probe generalization --texts 100 --seed 7 --eval-samples-per-class all",
    "skillstack probe order --orders 10",
    "skillstack probe redundancy --data-dir data --json > redundancy.json",
)
@click.argument("name", metavar="generalization|order|redundancy")
@measuring
@click.option("--seed", default=0, show_default=True, metavar="N", help="Random seed.")
@click.option(
    "--texts", type=click.IntRange(min=2), metavar="N",
    help="generalization: number of texts per task. Default: as many as the smallest task has.",
)  # fmt: skip
@click.option(
    "--orders", type=click.IntRange(0, 1000), default=3, show_default=True, metavar="N",
    help="order: number of random orders, beside the stack's own order and its reverse.",
)  # fmt: skip
@threshold_option
@depth_option
def probe(call: Invocation, name: str, measured: dict[str, Any], **chosen: Any) -> int:
    """Answer a question about the stack that accuracies by task do not answer.

    generalization: does the stack beat one adapter for everything, on mixed texts of all tasks? order: what
    would another order of the frames do to routing? redundancy: which frames could another frame of the
    family replace? Answers are kept, and those of eval are reused.
    """
    for option, (owner, default) in OWN.items():
        if chosen[option] != default and name != owner:
            raise UsageError(f"--{option} belongs to the probe {owner}.", "Leave it out.")
    opened = call.open(**where(measured))
    with console.count_progress("answers", interrupted=GO_ON) as show:
        found = opened.probe(name, **chosen, **measured, on_answers=show)
    call.answer(found.to_json, lambda: probe_words(found))
    return 0


def probe_words(found: Probed) -> list[str]:
    """What a probe found, and what could not be measured."""
    words: dict[str, Any] = {
        "Generalization": _generalization,
        "OrderProbe": _order,
        "Redundancy": _redundancy,
    }
    lines = [*words[type(found).__name__](found), ""]
    for name, why in found.origin.skipped.items():
        lines += wrapped(f"Not measured: {name}. {why}")
    return [*lines, effort_words(found.origin.effort)]


def _generalization(found: Generalization) -> list[str]:
    from skillstack.evaluation.result import TITLES

    ways = {**TITLES, "best_single": "best single frame"}
    tasks = many(len(found.origin.tasks), "task")
    lines = [f"{found.origin.stack}: {found.texts:,} unseen texts of each of {tasks}, mixed", ""]
    rows = [[ways[way], *_share(share)] for way, share in found.ways.items()]
    lines += [*table(["ANSWERED BY", "ACCURACY", "95 % INTERVAL"], rows), "On the same texts, in points:"]
    for (first, second), paired in found.differences.items():
        lines += wrapped(f"{ways[first]} against {ways[second]}: {difference(paired)}", "  ")
    one, two = found.best
    names = one if one == two else f"{one} for one half and {two} for the other"
    lines += wrapped(
        f"The best single frame is {names}: its adapter answers all texts, under each task's own head. "
        "For each half of the texts it is the frame that is best on the other half. Chosen on the same "
        f"texts it would be {found.optimistic} with {points(found.optimistic_accuracy)}, too optimistic."
    )
    rows = [[task, *map(points, by.values())] for task, by in found.tasks.items()]
    return [*lines, "", *table(["TASK", "OWN", "ROUTED", "LATEST", "SINGLE"], rows)]


def _order(found: OrderProbe) -> list[str]:
    lines = [
        f"{found.origin.stack}: {found.walks[0].router.n:,} test texts, the same scores walked in "
        f"{many(len(found.walks), 'order')} (threshold {found.threshold:.2f})",
        "",
    ]
    rows = [
        [
            walk.name,
            *_share(walk.routed),
            points(walk.router.accuracy),
            points(walk.fallback),
            f"{walk.depth:.1f}",
            points(walk.moved),
            "" if walk.difference is None else points(walk.difference.difference, sign=True),
        ]
        for walk in found.walks
    ]
    heads = ["ORDER", "ROUTED", "95 % INTERVAL", "OWN TASK", "FALLBACK", "DEPTH", "MOVED", "CHANGE"]
    lines += table(heads, rows)
    for walk in found.walks:
        if walk.difference is not None and walk.difference.p < 0.05:
            lines += wrapped(f"{walk.name} against stack: {difference(walk.difference)}", "  ")
    lines += wrapped(
        f"The best order is {points(found.spread)} points better than the worst. Nothing was trained again, "
        "and the threshold stays that of the stack's own order; `skillstack bench --order` measures other "
        "orders of training."
    )
    lines += ["Checked first:"]
    for walk in found.walks:
        named = ", ".join(walk.frames[:MOST_FRAMES]) + (", ..." if len(walk.frames) > MOST_FRAMES else "")
        lines += wrapped(f"{walk.name}: {named}", "  ")
    return lines


def _redundancy(found: Redundancy) -> list[str]:
    lines = [
        f"{found.origin.stack}: {many(len(found.frames), 'frame')} on {many(len(found.tasks), 'task')}",
        "",
        "Adapters of a family (rows) under the heads of another family's tasks:",
        *_matrix(found.own_head),
        "Whole frames, where labels are the same:",
        *_matrix(found.frame_head),
    ]
    if True in found.own_head.own:
        lines += wrapped("* On its own task, as the family has no other.", "  ")
    for title, which, score in (
        ("Replaced by the adapter of the best other frame of the family", "own_head", found.own_head_score),
        ("Replaced by the whole best other frame of the family", "frame_head", found.frame_head_score),
    ):
        rows = [[task.skill, points(task.accuracy), *_stand_in(getattr(task, which))] for task in found.tasks]
        heads = ["TASK", "OWN", "STAND-IN", "GETS", "SHORT OF OWN BY", "REDUNDANT"]
        lines += ["", f"{title}:", *table(heads, rows, left=(0, 2, 4))]
        if score is not None:
            lines += wrapped(f"On average, {percent(score)} redundant.", "  ")
    return [
        *lines,
        "",
        *wrapped(
            "The stand-in for each half of the texts is the frame that is best on the other half. Redundant: "
            "share of the frame's lead over the most frequent label that the stand-in keeps."
        ),
    ]


def _stand_in(stand_in: StandIn | None) -> list[str]:
    if stand_in is None:
        return ["none", "-", "-", "-"]
    short = stand_in.shortfall
    share = "-" if stand_in.redundancy is None else percent(stand_in.redundancy)
    cut = f"{points(short.difference)} ({between(short.interval)})"
    return [stand_in.frame, points(stand_in.accuracy), cut, share]


def _matrix(matrix: FamilyMatrix) -> list[str]:
    rows = []
    for place, (family, values) in enumerate(zip(matrix.families, matrix.matrix, strict=True)):
        cells = ["-" if value is None else points(value) for value in values]
        cells[place] += " *" if matrix.own[place] else ""
        rows.append([family, *cells])
    return table(["", *matrix.families], rows)


def _share(share: Share) -> list[str]:
    return [points(share.accuracy), between(share.interval)]
