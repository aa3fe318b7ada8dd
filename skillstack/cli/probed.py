"""What probes found, in words."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from functools import singledispatch

from skillstack.cli.render import width
from skillstack.cli.words import columns, shorten
from skillstack.evaluation.probes.generalization import Generalization
from skillstack.evaluation.probes.order import OrderProbe
from skillstack.evaluation.probes.probing import Origin, Share
from skillstack.evaluation.probes.redundancy import FamilyMatrix, Redundancy, StandIn
from skillstack.evaluation.probes.registry import Probed
from skillstack.evaluation.result import TITLES
from skillstack.evaluation.statistics import Paired
from skillstack.wording import between, chance, many, percent, points, seconds

_WAYS = {**TITLES, "best_single": "best single frame"}
#: Frames of an order that are named.
MOST_FRAMES = 4


def probe_words(found: Probed) -> list[str]:
    """What a probe found, and what could not be asked."""
    return [*_words(found), *_end(found.origin)]


@singledispatch
def _words(found: object) -> list[str]:
    raise TypeError(f"{type(found).__name__} has no words")


@_words.register
def _(found: Generalization) -> list[str]:
    tasks = len(found.origin.tasks)
    table = [["answered by", "accuracy", "95 % interval"]]
    for way, share in found.ways.items():
        table.append([_WAYS[way], *_share(share)])
    lines = [
        f"{found.origin.stack}: {found.texts:,} unseen texts of each of {many(tasks, 'task')}, mixed",
        "",
    ]
    lines += _table(table, right=(1, 2))
    lines += ["On the same texts, in points:"]
    for (first, second), difference in found.differences.items():
        lines += _wrapped(f"{_WAYS[first]} against {_WAYS[second]}: {_difference(difference)}")
    one, two = found.best
    names = one if one == two else f"{one} for one half and {two} for the other"
    lines += _wrapped(
        f"The best single frame is {names}: its adapter answers all texts, under each task's own head, and "
        "each half of the texts is answered by what was best on the other half. Chosen on the very texts it "
        f"would be {found.optimistic} with {points(found.optimistic_accuracy)}, which flatters it.",
        indent="",
    )
    heads = ["task", "own", "routed", "latest", "single"]
    rows = [
        [shorten(task, 30), *[points(value) for value in by.values()]] for task, by in found.tasks.items()
    ]
    return [*lines, "", *_table([heads, *rows], right=(1, 2, 3, 4))]


@_words.register
def _(found: OrderProbe) -> list[str]:
    texts = found.walks[0].router.n
    lines = [
        f"{found.origin.stack}: {texts:,} test texts, the same scores walked in "
        f"{many(len(found.walks), 'order')} (threshold {found.threshold:.2f})",
        "",
    ]
    table = [["order", "routed", "95 % interval", "own task", "fallback", "depth", "moved", "change"]]
    for walk in found.walks:
        difference = "" if walk.difference is None else points(walk.difference.difference, sign=True)
        table.append(
            [
                walk.name,
                *_share(walk.routed),
                points(walk.router.accuracy),
                points(walk.fallback),
                f"{walk.depth:.1f}",
                points(walk.moved),
                difference,
            ]
        )
    lines += _table(table, right=tuple(range(1, 8)))
    for walk in found.walks:
        if walk.difference is not None and walk.difference.p < 0.05:
            lines += _wrapped(f"{walk.name} against stack: {_difference(walk.difference)}")
    lines += _wrapped(
        f"Between the best and the worst order lie {points(found.spread)} points. Nothing was trained anew, "
        "and the threshold stays that of the stack's own order; "
        "what another order of training does, `skillstack bench --order` says.",
        indent="",
    )
    lines += ["Looked at first:"]
    for walk in found.walks:
        named = ", ".join(walk.frames[:MOST_FRAMES]) + (", ..." if len(walk.frames) > MOST_FRAMES else "")
        lines += _wrapped(f"{walk.name}: {named}")
    return lines


@_words.register
def _(found: Redundancy) -> list[str]:
    lines = [
        f"{found.origin.stack}: {many(len(found.frames), 'frame')} on {many(len(found.tasks), 'task')}",
        "",
        "Adapters of a family (rows) under the heads of another family's tasks:",
        *_matrix(found.own_head),
        "Frames as they are, where labels are the same:",
        *_matrix(found.frame_head),
    ]
    if True in found.own_head.own:
        lines += _wrapped("* Its own task, as the family has no other.", indent="  ")
    for title, which, score in (
        ("By the adapter of the best other frame of the family", "own_head", found.own_head_score),
        ("By the best other frame of the family as it is", "frame_head", found.frame_head_score),
    ):
        lines += ["", f"{title}:"]
        table = [["task", "own", "stand-in", "gets", "short of own by", "redundant"]]
        for task in found.tasks:
            stand_in: StandIn | None = getattr(task, which)
            table.append([shorten(task.skill, 18), points(task.accuracy), *_stand_in(stand_in)])
        lines += _table(table, right=(1, 3, 5))
        if score is not None:
            lines += _wrapped(f"On average, {percent(score)} redundant.")
    return [
        *lines,
        "",
        *_wrapped(
            "The stand-in of each half of the texts is the one that is best on the other half. Redundant is "
            "which share of the frame's lead over the most frequent label the stand-in has too.",
            indent="",
        ),
    ]


def _stand_in(stand_in: StandIn | None) -> list[str]:
    if stand_in is None:
        return ["none", "-", "-", "-"]
    short = stand_in.shortfall
    share = "-" if stand_in.redundancy is None else percent(stand_in.redundancy)
    cut = f"{points(short.difference)} ({between(short.interval)})"
    return [shorten(stand_in.frame, 18), points(stand_in.accuracy), cut, share]


def _matrix(matrix: FamilyMatrix) -> list[str]:
    table = [["", *[shorten(family, 12) for family in matrix.families]]]
    for family, row, own in zip(matrix.families, matrix.matrix, matrix.own, strict=True):
        cells = ["-" if value is None else points(value) for value in row]
        at = matrix.families.index(family)
        cells[at] += " *" if own else ""
        table.append([shorten(family, 18), *cells])
    return _table(table, right=tuple(range(1, len(table[0]))))


def _end(origin: Origin) -> list[str]:
    lines: list[str] = []
    for name, why in origin.skipped.items():
        lines += _wrapped(f"Not asked: {name}. {why}", indent="")
    effort = origin.effort
    known = effort.answers - effort.asked
    return ["", *lines, f"{effort.answers:,} answers, {known:,} of them known, in {seconds(effort.seconds)}."]


def _share(share: Share) -> list[str]:
    return [points(share.accuracy), between(share.interval)]


def _difference(found: Paired) -> str:
    return f"{points(found.difference, sign=True)} ({between(found.interval)}), {chance(found.p)}"


def _table(rows: Sequence[Sequence[str]], right: Sequence[int]) -> list[str]:
    return [f"  {line}" for line in columns(rows, right=right)]


def _wrapped(text: str, indent: str = "  ") -> list[str]:
    return textwrap.wrap(text, width(), initial_indent=indent, subsequent_indent=f"{indent}  ")
