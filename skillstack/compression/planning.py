"""Candidates for one family: all are screened on short rows, and the smallest promising ones tried in full.

That the many are compared on little and the few on much is successive halving (Jamieson & Talwalkar 2016,
https://proceedings.mlr.press/v51/jamieson16.html), with two rounds. In the second a candidate is asked one
task after the other, those with the shortest rows first, and given up as soon as it can hardly pass (Maron &
Moore 1993, Hoeffding races).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from skillstack.answers import Frame
from skillstack.compression import heads
from skillstack.compression.adapters import Adapter
from skillstack.compression.candidates import merge
from skillstack.compression.candidates.joint import trained
from skillstack.compression.candidates.proposal import Proposal, Way
from skillstack.compression.examining import Examiner
from skillstack.compression.families import Family
from skillstack.compression.forecast import chances
from skillstack.compression.heads import Seen, given, heads_of
from skillstack.compression.result import Candidate, Screened
from skillstack.compression.rows import Labelled, SkillRows
from skillstack.compression.tried import Replacement, Tried
from skillstack.compression.verdicts import HOPELESS, OTHERS, expected
from skillstack.errors import SkillStackError
from skillstack.evaluation.metrics import Mask, macro
from skillstack.evaluation.noninferiority import NonInferiority, non_inferior
from skillstack.models.heads import Head
from skillstack.store.records import Skill

#: Candidates that are tried in full, at most.
FULL = 3
#: How far behind the best on short rows one may be that is tried in full, as a share.
BEHIND = 0.02


@dataclass(frozen=True, eq=False)
class Look:
    """A proposal after the first round.

    :ivar proposal: the proposal.
    :ivar tests: by skill, answers on short dev rows before and after, with the best heads there.
    """

    proposal: Proposal
    tests: Mapping[str, NonInferiority]

    @property
    def mean(self) -> float:
        """Mean over skills of accuracy after minus before."""
        return macro([-test.loss for test in self.tests.values()])

    @property
    def rows(self) -> int:
        """How many rows it was compared on."""
        return sum(test.n for test in self.tests.values())


class Planner:
    """Tries candidates for one family.

    :ivar family: its frames.
    :ivar looks: proposals of the first round.
    :ivar tried: those of the second.
    :ivar left_out: ways that failed, and why.
    """

    def __init__(
        self, examiner: Examiner, family: Family, ways: Sequence[Way], tell: Callable[[str], None]
    ) -> None:
        """Prepare; nothing is asked of the model yet.

        :param ways: of compressing.
        :param tell: called with the name of each candidate before it is looked at, and before it is tried.
        """
        self.family, self._examiner, self._ways, self._tell = family, examiner, ways, tell
        self._trial = examiner.present.trial
        self._rows = {one.skill.name: one for one in examiner.rows}
        self.looks: list[Look] = []
        self.tried: list[Tried] = []
        self.left_out: dict[str, str] = {}
        self._hopeless: dict[str, bool] = {}

    def look(self, wanted: str | None = None) -> None:
        """The first round: every proposal on short rows.

        :param wanted: name of a candidate, which need not be one of those that are looked at anyway; lower
            ranks are looked at for the best merge, and for its own.
        :raises UsageError: if it names a merge with settings that it does not have.
        :raises MismatchError: if an adapter does not fit the base.
        """
        family = self._adapters
        for way in self._ways:
            if way in self._slow:
                continue
            self._look_at(way.propose(self.family, family, self._train))
            merges = [look for look in self.looks if look.proposal.way == "merge"]
            if way.name == "merge" and merges:
                best = max(merges, key=lambda look: look.mean)
                named = [look for look in merges if wanted and _stem(look.proposal.name) == _stem(wanted)]
                for look in dict.fromkeys([best, *named]):
                    self._look_at(merge.lower(self.family, family, look.proposal))
            if way.name == "rank":
                self._look_at(self._smallest_ranks(family))
            if wanted and way.named and wanted not in {look.proposal.name for look in self.looks}:
                self._look_at(way.named(self.family, family, wanted))

    def try_best(self, wanted: str | None = None) -> None:
        """The second round: the smallest promising ones and the best, until one should pass.

        Those that can hardly pass are given up on the way.

        :param wanted: name of one that is tried in any case.
        """
        if not self.looks:
            return
        best = max(self.looks, key=lambda look: look.mean)
        order = sorted(self.looks, key=lambda look: (look.proposal.bytes, -look.mean))
        hopeful = [look for look in order if look.mean >= best.mean - BEHIND]
        for look in dict.fromkeys([*hopeful[: FULL - 1], best]):
            if self._given_up(look.proposal):
                continue
            if self.try_one(look.proposal).candidate.verdict == "should pass":
                break
        for look in order:
            if look.proposal.name == wanted:
                self.try_one(look.proposal)

    def try_last(self, wanted: str | None = None) -> None:
        """What takes longer, where nothing else should pass, or it is asked for.

        :param wanted: name of one that is tried in any case.
        """
        named = wanted is not None and any(wanted.startswith(way.name) for way in self._slow)
        found = [one.candidate for one in self.tried]
        # Where other families' texts are routed elsewhere, no adapter helps: that is the order of frames.
        astray = [one.dev.others_share > OTHERS for one in found if one.merges]
        good = any(one.verdict == "should pass" for one in found)
        if self._slow and (named or not (good or (astray and all(astray)))):
            self.look_last()
            self.try_best(wanted)

    def try_any(self) -> None:
        """Try the best on short rows in full where none was, so that there is one to speak of."""
        if self.looks and not self.tried:
            self.try_one(max(self.looks, key=lambda look: look.mean).proposal)

    def look_last(self) -> None:
        """The proposals of ways that take longer, on short rows; of one that fails it is kept why."""
        for way in self._slow:
            try:
                self._look_at(way.propose(self.family, self._adapters, self._train))
            except SkillStackError as error:
                self.left_out[way.name] = error.message  # the others are there all the same

    def try_one(self, proposal: Proposal) -> Tried:
        """A proposal on all dev rows, with heads that are kept, shared, or fitted on few and on more rows."""
        for one in self.tried:
            if one.candidate.name == proposal.name:
                return one
        if proposal.name not in self._hopeless:
            self._tell(f"{proposal.name}, in full")
        _, ways, chosen = self._fitted(proposal, self.family.skills)
        part = Replacement(self.family, proposal, chosen, _said(ways))
        dev = self._examiner.judged("dev", [part])
        found = expected(dev, {name: len(one.guard) for name, one in self._rows.items()})
        candidate = Candidate(
            name=proposal.name,
            way=proposal.way,
            heads=part.way,
            merges=proposal.merges,
            bytes=self._bytes(proposal),
            family_bytes=proposal.bytes,
            dev=dev,
            verdict=found.verdict,
            why=found.why,
            chance=found.chance,
            settings=proposal.settings,
        )
        self.tried.append(Tried(candidate, (part,)))
        return self.tried[-1]

    def _given_up(self, proposal: Proposal) -> bool:
        """Whether its tasks but the last show that it can hardly pass."""
        name = proposal.name
        if any(one.candidate.name == name for one in self.tried):
            return False
        if name not in self._hopeless:
            self._tell(f"{name}, task by task")
            self._hopeless[name] = any(chance < HOPELESS for chance in self._chances(proposal))
        return self._hopeless[name]

    def _chances(self, proposal: Proposal) -> Iterator[float]:
        """That its first task passes, the first two, and so on, each with a head of its own."""
        tests, guards = [], []
        for frame, skill in sorted(self.family.skills, key=lambda one: _length(self._rows[one[1].name]))[:-1]:
            rows = self._rows[skill.name]
            (seen,), _, best = self._fitted(proposal, [(frame, skill)])
            tests.append(self._test(seen, best, rows.dev))
            guards.append(len(rows.guard))
            yield math.prod(chances(tests, guards))

    def _fitted(
        self, proposal: Proposal, skills: Sequence[tuple[Frame, Skill]]
    ) -> tuple[list[Seen], dict[str, str], dict[str, Head]]:
        """The heads that all dev rows of some skills prefer, and how they were come by."""
        few = [self._seen(frame, skill, proposal, "fit") for frame, skill in skills]
        more = [self._seen(frame, skill, proposal, "more") for frame, skill in skills]
        giver = proposal.given if proposal.given in {skill.name for _, skill in skills} else ""
        options = self._heads(few, heads.WAYS, giver)
        refits = self._heads(more, [way for way in heads.WAYS if way.startswith("refit")])
        options |= {f"{name}, more rows": made for name, made in refits.items()}
        return few, *_best_each(few, options)

    @property
    def screened(self) -> tuple[Screened, ...]:
        """Those that the second round did not try, the smallest first."""
        names = {one.candidate.name for one in self.tried}
        left = [look for look in self.looks if look.proposal.name not in names]
        return tuple(
            Screened(
                name=look.proposal.name,
                way=look.proposal.way,
                merges=look.proposal.merges,
                bytes=self._bytes(look.proposal),
                family_bytes=look.proposal.bytes,
                difference=look.mean,
                rows=look.rows,
            )
            for look in sorted(left, key=lambda look: (look.proposal.bytes, -look.mean))
        )

    @property
    def _adapters(self) -> Mapping[str, Adapter]:
        """Of the family's frames, by their names."""
        return {frame.name: self._examiner.present.adapters[frame.name] for frame in self.family.frames}

    @property
    def _slow(self) -> Sequence[Way]:
        """Ways that wait until all others were tried."""
        return [way for way in self._ways if way.last and len(self._ways) > 1]

    def _train(self, start: Proposal) -> Adapter:
        """Train further from a merge, with heads that were fitted on it."""
        self._tell(f"training from {start.name}")
        seen = [self._seen(frame, skill, start, "more") for frame, skill in self.family.skills]
        made = self._heads(seen, ("refit", "own"))
        found = made.get("refit", made["own"])
        rows = [self._rows[skill.name] for _, skill in self.family.skills]
        return trained(self.family, self._trial, rows, start.adapters[self.family.frames[0].name], found)

    def _look_at(self, proposals: Iterable[Proposal]) -> None:
        for proposal in proposals:
            if proposal.bytes >= self._examiner.bytes_of(self.family):
                continue  # nothing is gained by it
            self._tell(proposal.name)
            seen = [self._seen(frame, skill, proposal, "screen") for frame, skill in self.family.skills]
            options = self._heads(seen, heads.WAYS, proposal.given)
            _, best = _best_each(seen, options)
            tests = {
                one.skill.name: self._test(one, best, self._rows[one.skill.name].screen[1]) for one in seen
            }
            self.looks.append(Look(proposal, tests))

    def _test(self, one: Seen, found: Mapping[str, Head], dev: Labelled) -> NonInferiority:
        """Of a skill its answers to dev rows as it is, and with one of the heads found."""
        terms = self._examiner.terms
        before = self._right_now(one.skill, dev)
        return non_inferior(before, _right(one, found), margin=terms.margin, level=terms.level)

    def _right_now(self, skill: Skill, dev: Labelled) -> Mask:
        """Which of these rows a skill answers rightly as it is."""
        answering = self._examiner.present.state.answering[skill.name]
        features = self._trial.passages(dev.rows, skill.rendering).features(answering.adapter)
        right: Mask = answering.head.logits(features).argmax(axis=1) == dev.labels
        return right

    def _heads(
        self, seen: Sequence[Seen], ways: Sequence[str], giver: str = ""
    ) -> dict[str, Mapping[str, Head]]:
        """Heads by the way to come by them.

        :param giver: skill whose head may answer for all; empty for none.
        """
        standardise = self._trial.predictor.base.kind == "decoder"
        made = {way: heads_of(way, seen, standardise=standardise) for way in ways}
        options = {way: found for way, found in made.items() if found is not None}
        if giver:
            options[f"that of {giver}"] = given(seen, giver)
        return options

    def _seen(self, frame: Frame, skill: Skill, proposal: Proposal, part: str) -> Seen:
        one = self._rows[skill.name]
        fit, dev = {"fit": (one.fit, one.dev), "more": (one.more, one.dev), "screen": one.screen}[part]
        adapter = proposal.adapters[frame.name]
        features = [self._trial.passages(rows.rows, skill.rendering).features(adapter) for rows in (fit, dev)]
        head = self._examiner.present.state.answering[skill.name].head
        return Seen(skill, head, features[0], fit.labels, features[1], dev.labels)

    def _smallest_ranks(self, family: Mapping[str, Adapter]) -> Iterable[Proposal]:
        """Of each frame the smallest rank at which short dev rows lose nothing."""
        cuts = [look for look in self.looks if look.proposal.way == "rank"]
        if len(cuts) < 2 or len(family) < 2:
            return
        chosen, ranks = dict(family), dict.fromkeys(family, "whole")
        for look in cuts:  # from the highest rank to the lowest
            for frame in self.family.frames:
                if all(look.tests[skill.name].loss <= 0 for skill in frame.skills):
                    chosen[frame.name] = look.proposal.adapters[frame.name]
                    ranks[frame.name] = look.proposal.settings["rank"]
        if not any(look.proposal.adapters == chosen for look in cuts):
            yield Proposal("frame by frame", "rank", chosen, settings=ranks)

    def _bytes(self, proposal: Proposal) -> int:
        """Of the whole stack's adapters with it."""
        return self._examiner.bytes - self._examiner.bytes_of(self.family) + proposal.bytes


def _stem(name: str) -> str:
    """What a merge and its lower ranks have in common."""
    return name.rpartition(", rank ")[0]


def _best_each(
    seen: Sequence[Seen], options: Mapping[str, Mapping[str, Head]]
) -> tuple[dict[str, str], dict[str, Head]]:
    """Of each skill the head that its dev rows prefer, the first of equals; with how it was come by."""
    ways = {}
    for one in seen:
        right = {way: int(_right(one, found).sum()) for way, found in options.items()}
        ways[one.skill.name] = max(right, key=lambda way: right[way])
    return ways, {name: options[way][name] for name, way in ways.items()}


def _said(ways: Mapping[str, str]) -> str:
    """How heads were come by, most skills first: ``refit-shared, more rows; own``."""
    return "; ".join(way for way, _ in Counter(ways.values()).most_common())


def _length(rows: SkillRows) -> int:
    """Characters that trying a candidate reads."""
    return sum(len(row.joined) for part in (rows.fit, rows.more, rows.dev) for row in part.rows)


def _right(one: Seen, found: Mapping[str, Head]) -> Mask:
    right: Mask = found[one.skill.name].logits(one.dev).argmax(axis=1) == one.dev_labels
    return right
