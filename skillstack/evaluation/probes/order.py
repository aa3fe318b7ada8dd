"""Measures how the order of frames changes routing: the same scores, walked along the chain in other orders.

The routers walk from the newest frame to its parents and take the first that is sure enough, so frames that
come first catch texts of later ones. Scores do not depend on the order, so nothing is trained or fitted anew;
the threshold stays that of the stack's own order, and a stack that was built in another would choose its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import factorial
from typing import Any

import numpy as np

from skillstack.evaluation.intervals import Interval, rounded, wilson
from skillstack.evaluation.metrics import Mask
from skillstack.evaluation.probes.probing import Origin, ProbeRunner, Probing, Share, share
from skillstack.evaluation.questions import SkillQuestions, stack_questions
from skillstack.evaluation.statistics import Paired, paired
from skillstack.results import Frame
from skillstack.routers.base import Scores
from skillstack.routers.calibration import Chain
from skillstack.store.records import Count


@dataclass(frozen=True, eq=False)
class Walk:
    """Routing in one order of the frames.

    :ivar name: ``stack``, ``reversed``, ``random 1``, ...
    :ivar frames: names in the order in which they are looked at.
    :ivar routed: accuracy of the frames that texts are routed to.
    :ivar router: number of texts that are routed to their own skill.
    :ivar router_interval: 95 % score interval of their share.
    :ivar fallback: share of texts for which the best of all scores decided.
    :ivar depth: frames looked at, on average.
    :ivar moved: share of texts that are routed to another skill than in the stack's order.
    :ivar difference: routed accuracy of this order minus that of the stack's; None for the stack's own.
    """

    name: str
    frames: tuple[str, ...]
    routed: Share
    router: Count
    router_interval: Interval
    fallback: float
    depth: float
    moved: float
    difference: Paired | None

    def to_json(self) -> dict[str, Any]:
        """Shares with six digits."""
        return {
            "order": self.name,
            "frames": list(self.frames),
            "routed": self.routed.to_json(),
            "router": {
                "accuracy": rounded(self.router.accuracy),
                "correct": self.router.correct,
                "interval": self.router_interval.to_json(),
                "n": self.router.n,
            },
            "fallback": rounded(self.fallback),
            "depth": rounded(self.depth),
            "moved": rounded(self.moved),
            "difference": None if self.difference is None else self.difference.to_json(),
        }


@dataclass(frozen=True, eq=False)
class OrderProbe:
    """Routing in several orders.

    :ivar origin: where the figures come from.
    :ivar threshold: score above which a frame is accepted, in every order.
    :ivar walks: the stack's own order first.
    :ivar spread: highest routed accuracy of all orders minus the lowest.
    """

    origin: Origin
    threshold: float
    walks: tuple[Walk, ...]
    spread: float

    def to_json(self) -> dict[str, Any]:
        """As `probe order --json` prints it."""
        return {
            **self.origin.to_json("order"),
            "threshold": rounded(self.threshold),
            "orders": [walk.to_json() for walk in self.walks],
            "spread": rounded(self.spread),
        }


def probe(probing: Probing) -> OrderProbe:
    """Walk the chain in its own order, in reverse, and in random ones.

    :raises SkillStackError: one of its kinds, if texts or answers cannot be had.
    """
    found = stack_questions(probing.stack, probing.config)
    entries = found.each
    scores = probing.scores([row for entry in entries for row in entry.rows])
    cuts = np.cumsum([len(entry.rows) for entry in entries])[:-1].tolist()
    places = sorted(set(scores.frames))
    names = _names(probing.stack.frames, scores)
    asking = ProbeRunner(probing, entries, found.skipped)
    for entry in entries:
        asking.wanted.own(entry)
    taken = {}
    for name, order in orders(len(names), probing.orders, probing.seed).items():
        chain = Chain.of(scores.values, [order.index(places.index(place)) for place in scores.frames])
        chosen = chain.choose(scores.threshold, probing.depth)
        choices = [[scores.skills[skill] for skill in part] for part in np.split(chosen.skills, cuts)]
        taken[name] = order, chosen, choices
        for entry, some in zip(entries, choices, strict=True):
            asking.wanted.routed(entry, some, name)
    logits = asking.ask()

    def right(name: str) -> list[Mask]:
        pairs = zip(entries, taken[name][2], strict=True)
        return [asking.wanted.answers(one, some, logits, name) == one.labels for one, some in pairs]

    own_right, own_skills = right("stack"), taken["stack"][1].skills
    walks = []
    for name, (order, chosen, choices) in taken.items():
        answers = right(name)
        home = Count(_at_home(entries, choices), len(chosen.skills))
        walks.append(
            Walk(
                name=name,
                frames=tuple(names[frame] for frame in reversed(order)),
                routed=share(answers),
                router=home,
                router_interval=wilson(home),
                fallback=float(np.mean(~chosen.accepted)),
                depth=float(np.mean(chosen.depths)),
                moved=float(np.mean(chosen.skills != own_skills)),
                difference=None if name == "stack" else paired(list(zip(answers, own_right, strict=True))),
            )
        )
    accuracies = [walk.routed.accuracy for walk in walks]
    return OrderProbe(asking.origin(), scores.threshold, tuple(walks), max(accuracies) - min(accuracies))


def orders(frames: int, count: int, seed: int) -> dict[str, list[int]]:
    """Orders of so many frames, the frame looked at last first; none of them twice.

    :param count: random orders, or fewer where there are not so many.
    """
    own = list(range(frames))
    found = {"stack": own}
    if frames > 1:
        found["reversed"] = own[::-1]
    generator = np.random.default_rng(seed)
    wanted = min(len(found) + count, factorial(min(frames, 20)))
    while len(found) < wanted:
        drawn = generator.permutation(frames).tolist()
        if drawn not in found.values():
            found[f"random {len(found) - 1}"] = drawn
    return found


def _names(frames: Sequence[Frame], scores: Scores) -> list[str]:
    """Name each place of the walk by its frame, or by its skill where a frame has several places."""
    place = dict(zip(scores.skills, scores.frames, strict=True))
    called: dict[int, str] = {}
    for frame in frames:
        own = {place[skill.name] for skill in frame.skills}
        for skill in frame.skills:
            called.setdefault(place[skill.name], frame.name if len(own) == 1 else skill.name)
    return [called[one] for one in sorted(called)]


def _at_home(entries: Sequence[SkillQuestions], choices: Sequence[Sequence[str]]) -> int:
    return sum(
        choice == entry.skill.name for entry, some in zip(entries, choices, strict=True) for choice in some
    )
