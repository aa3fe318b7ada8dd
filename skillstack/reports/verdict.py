"""The answer in short: whether the stack helps, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from skillstack.evaluation.intervals import DIGITS, Interval, rounded
from skillstack.evaluation.result import TITLES, Evaluation, Score
from skillstack.evaluation.statistics import Paired, paired
from skillstack.reports.table import between, points
from skillstack.wording import chance, listed, many

QUESTION = "Does this stack help, and how sure are you?"
#: What somebody without a stack would do instead, all with the task of each text given.
BASELINES = ("latest_adapter", "frozen_linear", "majority_class")
#: Below this p, with an interval that leaves 0 out, a difference is taken for one.
LEVEL = 0.05
#: What the ways to answer are called in a sentence.
IN_WORDS = {
    "task_aware": "its own frames",
    "routed": "the routed stack",
    "latest_adapter": "the latest adapter",
    "frozen_linear": "a linear head on the frozen base",
    "majority_class": "the most frequent label",
}

Decision = Literal["beaten", "undecided", "ahead"]


@dataclass(frozen=True)
class ComparedBaseline:
    """A baseline against the stack, on the same texts.

    :ivar mode: which baseline.
    :ivar score: how good it is, on the tasks that it was measured on; the differences are on these, too.
    :ivar whole: whether these are all tasks.
    :ivar routed: the routed stack minus it.
    :ivar own: the stack's own frames, with the task given, minus it.
    """

    mode: str
    score: Score
    whole: bool
    routed: Paired
    own: Paired

    @property
    def outcome(self) -> Decision:
        """Whether the routed stack beats it."""
        return outcome(self.routed)


@dataclass(frozen=True)
class Verdict:
    """The answer in short.

    :ivar sentences: what it rests on.
    :ivar baselines: the best one first.
    :ivar regret: the stack's own frames minus the routed stack.
    """

    headline: str
    sentences: tuple[str, ...]
    baselines: tuple[ComparedBaseline, ...]
    regret: Paired

    def to_json(self) -> dict[str, Any]:
        """For the JSON report."""
        return {
            "headline": self.headline,
            "sentences": list(self.sentences),
            "regret": self.regret.to_json(),
            "rivals": [
                {
                    "mode": one.mode,
                    "accuracy": rounded(one.score.accuracy),
                    "tasks": one.score.tasks,
                    "outcome": one.outcome,
                    "routed_minus_rival": one.routed.to_json(),
                    "own_minus_rival": one.own.to_json(),
                }
                for one in self.baselines
            ],
        }


@dataclass(frozen=True)
class Tile:
    """A figure in large letters.

    :ivar label: what it is.
    :ivar value: as shown.
    :ivar number: as measured.
    :ivar below: how sure it is.
    """

    label: str
    value: str
    number: float
    below: str


def outcome(found: Paired) -> Decision:
    """What a difference says of its second side; the test and the interval have to agree."""
    if found.p < LEVEL and found.interval.low > 0:
        return "beaten"
    return "ahead" if found.p < LEVEL and found.interval.high < 0 else "undecided"


def difference(evaluation: Evaluation, first: str, second: str) -> Paired:
    """The first way to answer minus the second, on the same texts of the tasks that have both."""
    known = evaluation.differences.get((first, second))
    if known is not None:
        return known
    tasks = evaluation.having(first, second)
    return paired([(task.answers[first].right, task.answers[second].right) for task in tasks])


def verdict(evaluation: Evaluation) -> Verdict:
    """The answer in short."""
    e = evaluation
    baselines = [
        ComparedBaseline(
            mode,
            e.modes[mode],
            e.modes[mode].tasks == len(e.tasks),
            difference(e, "routed", mode),
            difference(e, "task_aware", mode),
        )
        for mode in BASELINES
        if mode in e.modes and (mode != "latest_adapter" or _differs(e))
    ]
    # Accuracies over different tasks cannot be held against each other, the leads on the same texts can.
    baselines.sort(key=lambda one: one.routed.difference)
    regret = difference(e, "task_aware", "routed")
    return Verdict(_headline(baselines), tuple(_sentences(e, baselines, regret)), tuple(baselines), regret)


def tiles(evaluation: Evaluation, found: Verdict, *, compressed: bool) -> tuple[Tile, ...]:
    """Routed accuracy, that with the task given, regret, the best baseline, the router, forgetting.

    :param compressed: whether frames were merged or cut.
    """
    e, routed, own = evaluation, evaluation.modes["routed"], evaluation.modes["task_aware"]
    shown = [
        _tile("routed", routed.accuracy, "%", between(routed.interval)),
        _tile("task given", own.accuracy, "%", between(own.interval)),
        _tile("cost of routing", e.regret.difference, "pt", between(e.regret.interval)),
    ]
    if found.baselines:
        best = found.baselines[0]
        on = "" if best.whole else f", {best.score.tasks} of {len(e.tasks)} tasks"
        shown.append(_tile("best simple baseline", best.score.accuracy, "%", TITLES[best.mode] + on))
    router = e.routing
    shown.append(_tile("router, right task", router.task.accuracy, "%", between(router.task_interval)))
    if e.forgetting.mean is not None:
        below = "" if compressed else "frames: 0.0"
        shown.append(_tile("one adapter would forget", e.forgetting.mean, "pt", below))
    return tuple(shown)


def _tile(label: str, value: float, unit: str, below: str) -> Tile:
    return Tile(label, f"{points(value)} {unit}", round(value, DIGITS), below)


def _differs(e: Evaluation) -> bool:
    """Whether the latest adapter is another one than the tasks' own: that of a newest task is the same."""
    return any(
        not np.array_equal(task.answers["task_aware"].right, task.answers["latest_adapter"].right)
        for task in e.tasks
    )


def _headline(baselines: Sequence[ComparedBaseline]) -> str:
    if not baselines:
        return "It cannot be said: no simple baseline could be measured."
    better = next((one for one in baselines if one.outcome == "ahead"), None)
    if better is not None:
        on = "" if better.whole else f" on the {many(better.score.tasks, 'task')} where it was measured"
        return f"No: {IN_WORDS[better.mode]} is better than the routed stack{on}."
    left = [IN_WORDS[one.mode] for one in baselines if one.outcome == "undecided"]
    if left:
        return f"Not shown: {listed(left)} {'is' if len(left) == 1 else 'are'} not beaten."
    if all(one.mode != "frozen_linear" or not one.whole for one in baselines):
        return f"It cannot be said: {IN_WORDS['frozen_linear']} could not be measured on every task."
    best = IN_WORDS[baselines[0].mode]
    return f"Yes: the routed stack beats every simple baseline measured, the best of which is {best}."


def _sentences(e: Evaluation, baselines: Sequence[ComparedBaseline], regret: Paired) -> list[str]:
    routed = e.modes["routed"]
    found = [
        f"Routed, the stack answers {points(routed.accuracy)} % of {many(routed.n, 'test text')} of "
        f"{many(len(e.tasks), 'task')} rightly (95 % interval {between(routed.interval)}; every task weighs "
        "the same).",
        _cost(regret),
        *[_compared(one, len(e.tasks)) for one in baselines],
    ]
    if baselines:
        best = baselines[0]
        found.append(
            f"Baselines are told the task of each text, and the routed stack is not. Told it as well, the "
            f"stack's own frames {_apart(best.own)} {IN_WORDS[best.mode]}, the best of the baselines."
        )
    if "latest_adapter" in e.modes and e.sequential is False and e.forgetting.mean is not None:
        found.append(
            "The latest adapter is not a sequential baseline here: not every frame started from its parent."
        )
    found.append(
        "Intervals and tests are about other texts for these very frames; they say nothing of how another "
        "training, with another seed, would turn out."
    )
    if e.skipped:
        found.append(f"Not evaluated, and no part of these figures: {listed(sorted(e.skipped))}.")
    return found


def _cost(regret: Paired) -> str:
    if not regret.only_first and not regret.only_second:
        return "Routing costs nothing: each text is answered as well as with its task given."
    gains = regret.difference < 0
    shown = _turned(regret.interval) if gains else regret.interval
    return (
        f"Routing {'gains' if gains else 'costs'} {points(abs(regret.difference))} points against being told "
        f"the task ({between(shown)}, {chance(regret.p)})."
    )


def _compared(one: ComparedBaseline, tasks: int) -> str:
    on = "" if one.whole else f" on the {one.score.tasks} of {tasks} tasks where it was measured"
    name = f"{IN_WORDS[one.mode]} ({points(one.score.accuracy)} %{on})"
    if one.outcome == "beaten":
        return f"It beats {name} by {_by(one.routed)}."
    if one.outcome == "ahead":
        return f"It does not beat {name}, which is ahead by {_by(one.routed, turned=True)}."
    if one.routed.only_first == one.routed.only_second == 0:
        return f"It does not beat {name}: both have the same texts right."
    behind = one.routed.difference < 0
    side = "behind" if behind else "ahead"
    return f"It does not beat {name}: it is {side} by {_by(one.routed, turned=behind)}, which may be chance."


def _by(found: Paired, *, turned: bool = False) -> str:
    """A difference with its interval and p; turned, it is the second side minus the first."""
    value, interval = (
        (-found.difference, _turned(found.interval)) if turned else (found.difference, found.interval)
    )
    return f"{points(value)} points ({between(interval)}, {chance(found.p)})"


def _turned(interval: Interval) -> Interval:
    return Interval(-interval.high, -interval.low)


def _apart(found: Paired) -> str:
    if outcome(found) == "undecided":
        return f"cannot be told apart ({points(found.difference, sign=True)} points, {chance(found.p)}) from"
    if found.difference > 0:
        return f"are ahead by {_by(found)} of"
    return f"are behind by {_by(found, turned=True)} of"
