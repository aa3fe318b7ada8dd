"""The answer in short: whether the stack helps, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from skillstack.evaluation.document import paired_json, rounded
from skillstack.evaluation.intervals import Interval
from skillstack.evaluation.result import Evaluation, Score
from skillstack.evaluation.statistics import Paired, paired
from skillstack.reports.words import IN_WORDS, between, points
from skillstack.wording import chance, listed, many

#: What somebody without a stack would do instead, all with the task of each text given.
RIVALS = ("latest_adapter", "frozen_linear", "majority_class")
#: Below this p, with an interval that leaves 0 out, a difference is taken for one.
LEVEL = 0.05

Outcome = Literal["beaten", "undecided", "ahead"]


@dataclass(frozen=True)
class Rival:
    """Another way to answer, against the stack on the same texts.

    :ivar mode: which.
    :ivar score: how good it is, on the tasks that it was measured on; so are the differences.
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
    def outcome(self) -> Outcome:
        """Whether the routed stack beats it."""
        return outcome(self.routed)


@dataclass(frozen=True)
class Verdict:
    """The answer in short.

    :ivar headline: a sentence.
    :ivar sentences: what it rests on.
    :ivar rivals: the best one first.
    :ivar regret: the stack's own frames minus the routed stack.
    """

    headline: str
    sentences: tuple[str, ...]
    rivals: tuple[Rival, ...]
    regret: Paired

    def to_json(self) -> dict[str, Any]:
        """For the JSON report."""
        return {
            "headline": self.headline,
            "sentences": list(self.sentences),
            "regret": paired_json(self.regret),
            "rivals": [
                {
                    "mode": rival.mode,
                    "accuracy": rounded(rival.score.accuracy),
                    "tasks": rival.score.tasks,
                    "outcome": rival.outcome,
                    "routed_minus_rival": paired_json(rival.routed),
                    "own_minus_rival": paired_json(rival.own),
                }
                for rival in self.rivals
            ],
        }


def outcome(found: Paired) -> Outcome:
    """What a difference says of its second side; the test and the interval have to agree."""
    if found.p < LEVEL and found.interval.low > 0:
        return "beaten"
    return "ahead" if found.p < LEVEL and found.interval.high < 0 else "undecided"


def difference(evaluation: Evaluation, first: str, second: str) -> Paired:
    """Two ways of answering on the same texts, of the tasks that have both; the first minus the second."""
    known = evaluation.differences.get((first, second))
    if known is not None:
        return known
    tasks = evaluation.having(first, second)
    return paired([(task.answers[first].right, task.answers[second].right) for task in tasks])


def verdict(evaluation: Evaluation) -> Verdict:
    """The answer in short."""
    e = evaluation
    rivals = [
        Rival(
            mode,
            e.modes[mode],
            e.modes[mode].tasks == len(e.tasks),
            difference(e, "routed", mode),
            difference(e, "task_aware", mode),
        )
        for mode in RIVALS
        if mode in e.modes and (mode != "latest_adapter" or _is_rival(e))
    ]
    # Accuracies over different tasks cannot be held against each other, the leads on the same texts can.
    rivals.sort(key=lambda rival: rival.routed.difference)
    regret = difference(e, "task_aware", "routed")
    return Verdict(_headline(rivals), tuple(_sentences(e, rivals, regret)), tuple(rivals), regret)


def _is_rival(e: Evaluation) -> bool:
    """Whether the latest adapter is another one than the tasks' own: that of a newest task is the same."""
    own, latest = (
        [task.answers[mode].right for task in e.tasks] for mode in ("task_aware", "latest_adapter")
    )
    return any(not np.array_equal(one, other) for one, other in zip(own, latest, strict=True))


def _headline(rivals: Sequence[Rival]) -> str:
    if not rivals:
        return "It cannot be said: no simple rival could be measured."
    best = rivals[0]
    name = IN_WORDS[best.mode]
    if any(rival.outcome == "ahead" for rival in rivals):
        worst = next(rival for rival in rivals if rival.outcome == "ahead")
        on = "" if worst.whole else f" on the {many(worst.score.tasks, 'task')} where it was measured"
        return f"No: {IN_WORDS[worst.mode]} is better than the routed stack{on}."
    left = [IN_WORDS[rival.mode] for rival in rivals if rival.outcome == "undecided"]
    if left:
        verb = "is" if len(left) == 1 else "are"
        return f"Not shown: {listed(left)} {verb} not beaten."
    if all(rival.mode != "frozen_linear" or not rival.whole for rival in rivals):
        return f"It cannot be said: {IN_WORDS['frozen_linear']} could not be measured on every task."
    return f"Yes: the routed stack beats every simple rival measured, the best of which is {name}."


def _sentences(e: Evaluation, rivals: Sequence[Rival], regret: Paired) -> list[str]:
    routed = e.modes["routed"]
    found = [
        f"Routed, the stack answers {points(routed.accuracy)} % of {many(routed.n, 'test text')} of "
        f"{many(len(e.tasks), 'task')} rightly (95 % interval {between(routed.interval)}; every task weighs "
        "the same).",
        _cost(regret),
    ]
    for rival in rivals:
        found.append(_rival(rival, len(e.tasks)))
    if rivals:
        best = rivals[0]
        found.append(
            f"Rivals are told the task of each text, and the routed stack is not. Told it as well, the "
            f"stack's own frames {_apart(best.own)} {IN_WORDS[best.mode]}, the best of the rivals."
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
    verb = "costs" if regret.difference >= 0 else "gains"
    low, high = regret.interval.low, regret.interval.high
    ends = between(Interval(low, high)) if regret.difference >= 0 else between(Interval(-high, -low))
    return (
        f"Routing {verb} {points(abs(regret.difference))} points against being told the task ({ends}, "
        f"{chance(regret.p)})."
    )


def _rival(rival: Rival, tasks: int) -> str:
    on = "" if rival.whole else f" on the {rival.score.tasks} of {tasks} tasks where it was measured"
    name = f"{IN_WORDS[rival.mode]} ({points(rival.score.accuracy)} %{on})"
    if rival.outcome == "beaten":
        return f"It beats {name} by {_by(rival.routed)}."
    if rival.outcome == "ahead":
        return f"It does not beat {name}, which is ahead by {_by(rival.routed, turned=True)}."
    if rival.routed.only_first == rival.routed.only_second == 0:
        return f"It does not beat {name}: both have the same texts right."
    side = "ahead" if rival.routed.difference >= 0 else "behind"
    turned = rival.routed.difference < 0
    return (
        f"It does not beat {name}: it is {side} by {_by(rival.routed, turned=turned)}, which may be chance."
    )


def _by(found: Paired, *, turned: bool = False) -> str:
    value, interval = found.difference, found.interval
    if turned:
        value, interval = -value, Interval(-interval.high, -interval.low)
    return f"{points(value)} points ({between(interval)}, {chance(found.p)})"


def _apart(found: Paired) -> str:
    if outcome(found) == "undecided":
        return f"cannot be told apart ({points(found.difference, sign=True)} points, {chance(found.p)}) from"
    if found.difference > 0:
        return f"are ahead by {_by(found)} of"
    return f"are behind by {_by(found, turned=True)} of"
