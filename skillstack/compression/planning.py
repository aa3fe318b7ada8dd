"""A plan: every candidate tried on dev rows, and the smallest one that should pass the guard."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from skillstack.answers import Frame
from skillstack.compression import heads
from skillstack.compression.adapters import Adapter
from skillstack.compression.candidates import merge
from skillstack.compression.candidates.proposal import Proposal
from skillstack.compression.candidates.registry import AUTO, ways
from skillstack.compression.changes import change_of
from skillstack.compression.families import family_of
from skillstack.compression.heads import Seen, given, heads_of
from skillstack.compression.judging import Judge, Part, Right, State
from skillstack.compression.present import Present, Subject, stack_rows
from skillstack.compression.result import Candidate, Judged, Plan, Whole
from skillstack.compression.rows import SkillRows
from skillstack.compression.trial import Answering
from skillstack.compression.verdicts import check_limits, expected
from skillstack.errors import InputError, SkillStackError, UsageError
from skillstack.evaluation.scores import accuracy, macro
from skillstack.frames.records import Skill
from skillstack.models.heads import Head
from skillstack.wording import many

MARGIN, LEVEL = 0.01, 0.05


@dataclass(frozen=True)
class Wish:
    """What is asked for.

    :ivar family: whose frames are to become smaller or fewer.
    :ivar method: a way of compressing, or ``auto`` for all.
    :ivar margin: the loss that is allowed, as a share.
    :ivar level: chance, at most, of passing what loses more.
    :ivar data_dir: holds a folder with the rows of each task.
    :ivar tables: by skill, a table of labelled rows instead of the task's.
    """

    family: str
    method: str = AUTO
    margin: float = MARGIN
    level: float = LEVEL
    data_dir: Path | None = None
    tables: Mapping[str, Path] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the numbers.

        :raises UsageError: if one is out of range.
        """
        check_limits(self.margin, self.level)


@dataclass(frozen=True, eq=False)
class Tried:
    """A proposal with the heads that dev prefers over it.

    :ivar proposal: the proposal.
    :ivar candidate: how it does.
    :ivar heads: of the affected skills.
    """

    proposal: Proposal
    candidate: Candidate
    heads: Mapping[str, Head]


class Planner:
    """Tries candidates for one family.

    :ivar subject: the stack.
    :ivar family: its family.
    :ivar tried: candidates so far.
    """

    def __init__(self, subject: Subject, wish: Wish, tell: Callable[[str], None] = lambda name: None) -> None:
        """Read the rows; nothing is asked of the model yet.

        :param tell: called with the name of each candidate before it is tried.
        :raises UsageError: if there is no such family or way, or nothing to do for it.
        :raises SkillStackError: one of its kinds, if an affected skill's rows cannot be had.
        """
        self.subject, self.wish, self._tell = subject, wish, tell
        self.ways = ways(wish.method)
        self.family = family_of(subject.frames, wish.family)
        if len(self.family.frames) == 1:
            self.ways = tuple(way for way in self.ways if way.alone)
            if not self.ways:
                raise UsageError(
                    f"The family {wish.family!r} has one frame, so there is nothing to merge.",
                    "--method rank makes its adapter smaller.",
                )
        affected = {skill.name for _, skill in self.family.skills}
        self.rows, self.skipped = stack_rows(subject, affected, wish.data_dir, wish.tables)
        self._check_rows()
        self.tried: list[Tried] = []
        present = Present(subject, self.rows)
        self._present = present
        self.adapters, self.trial = present.adapters, present.trial
        self.judge, self.now = present.judge, present.state
        self._check_adapters()
        self.left_out = self._leave_out()
        self._before: dict[tuple[str, Part], Right] = {}

    def plan(self) -> Plan:
        """Try everything.

        :raises UsageError: if there is no candidate.
        :raises MismatchError: if an adapter does not fit the base.
        """
        family = {frame.name: self.adapters[frame.name] for frame in self.family.frames}
        for way in self.ways:
            self._try_all(way.propose(self.family, family))
            merges = [one for one in self.tried if one.proposal.way == "merge"]
            if way.name == "merge" and merges:
                best = max(merges, key=lambda one: one.candidate.dev.mean_difference)
                self._try_all(merge.lower(self.family, family, best.proposal))
            if way.name == "rank":
                self._try_all(self._smallest_ranks(family))
        self._fit_more()
        order = sorted(self.tried, key=lambda one: (one.candidate.bytes, -one.candidate.dev.mean_difference))
        if not order:
            raise UsageError(
                f"There is nothing to make smaller in the family {self.family.name!r}.",
                "Its adapters have rank 1 already.",
            )
        good = [one.candidate for one in order if one.candidate.verdict == "should pass"]
        others, family_bytes = self._other_bytes(), sum(adapter.bytes for adapter in family.values())
        return Plan(
            stack=self.subject.name,
            tip=self.subject.frames[-1].id,
            family=self.family.name,
            frames=tuple(frame.name for frame in self.family.frames),
            idle=self.family.idle,
            margin=self.wish.margin,
            level=self.wish.level,
            bytes=others + family_bytes,
            family_bytes=family_bytes,
            candidates=tuple(one.candidate for one in order),
            chosen=good[0].name if good else None,
            guard_rows={one.skill.name: len(one.guard) for one in self.rows},
            skipped=self.skipped,
            left_out=self.left_out,
        )

    def judged(self, part: Part, tried: Proposal, found: Mapping[str, Head]) -> Judged:
        """A proposal with its heads on one part of the rows."""
        after = self.after(tried, found)
        judge = self._judge_of_merged if tried.merges else self.judge
        changes, rights = [], []
        others = others_of = 0
        for one in self.rows:
            if not len(self.judge.rows(one, part)) and one.skill.name not in found:
                continue
            before, now = self.before(one, part), judge.right(one, part, after)
            rights.append((before, now))
            if one.skill.name in found:
                if before.own is None or now.own is None:
                    raise ValueError(f"the skill {one.skill.name} is gone")
                limits = {"margin": self.wish.margin, "level": self.wish.level}
                changes.append(change_of(one, before.own, now.own, **limits))
            else:
                others += int((before.routed != now.routed).sum())
                others_of += len(before.routed)
        return Judged(
            part=part,
            skills=tuple(changes),
            before=_whole([before for before, _ in rights]),
            after=_whole([now for _, now in rights]),
            others=others,
            others_of=others_of,
        )

    def before(self, one: SkillRows, part: Part) -> Right:
        """The stack as it is."""
        key = one.skill.name, part
        if key not in self._before:
            self._before[key] = self.judge.right(one, part, self.now)
        return self._before[key]

    def after(self, proposal: Proposal, found: Mapping[str, Head]) -> State:
        """The stack as it would be: merged frames stand where the newest of them is."""
        newest = self.family.frames[-1].position
        answering, places = dict(self.now.answering), dict(self.now.places)
        for frame, skill in self.family.skills:
            answering[skill.name] = Answering(proposal.adapters[frame.name], found[skill.name])
            if proposal.merges:
                places[skill.name] = newest
        return State(answering, places)

    @cached_property
    def _judge_of_merged(self) -> Judge:
        """Chooses as the router will when the family's frames are one: it is fitted for that order."""
        scores_of = self.subject.scores_of
        if scores_of is None:
            return self.judge
        chain = self.family.merged(self.subject.frames)
        return self._present.judged_by(lambda rows: scores_of(chain, rows), self.rows)

    def _try_all(self, proposals: Iterable[Proposal]) -> None:
        for proposal in proposals:
            self._tell(proposal.name)
            self.tried.append(self._try(proposal))

    def _try(self, proposal: Proposal) -> Tried:
        seen = [self._seen(frame, skill, proposal) for frame, skill in self.family.skills]
        options = self._heads(seen, heads.WAYS)
        if proposal.given:
            options[f"that of {proposal.given}"] = given(seen, proposal.given)
        return self._best(proposal, seen, options)

    def _fit_more(self) -> None:
        """Fit heads of the most promising candidates on more rows, which takes longer than all else of them.

        These are the smallest one that may pass, and the one that gains the most.
        """
        hopeful = [one for one in self.tried if one.candidate.verdict != "loses too much"] or self.tried
        if not hopeful:
            return
        smallest = min(hopeful, key=lambda one: one.candidate.bytes)
        best = max(self.tried, key=lambda one: one.candidate.dev.mean_difference)
        for tried in dict.fromkeys((smallest, best)):
            proposal = tried.proposal
            self._tell(f"{proposal.name}, heads on more rows")
            seen = [self._seen(frame, skill, proposal, more=True) for frame, skill in self.family.skills]
            ways = [way for way in heads.WAYS if way.startswith("refit")]
            options = {f"{name}, more rows": made for name, made in self._heads(seen, ways).items()}
            again = self._best(proposal, seen, {tried.candidate.heads: tried.heads, **options})
            self.tried[self.tried.index(tried)] = again

    def _heads(self, seen: Sequence[Seen], wanted: Sequence[str]) -> dict[str, Mapping[str, Head]]:
        standardise = self.trial.slot.base.kind == "decoder"
        made = {way: heads_of(way, seen, standardise=standardise) for way in wanted}
        return {way: found for way, found in made.items() if found is not None}

    def _best(
        self, proposal: Proposal, seen: Sequence[Seen], options: Mapping[str, Mapping[str, Head]]
    ) -> Tried:
        """The proposal with the heads that dev prefers, the first of equals."""
        way = max(options, key=lambda name: _mean(seen, options[name]))
        dev = self.judged("dev", proposal, options[way])
        rows = {one.skill.name: len(one.guard) for one in self.rows}
        verdict, why = expected(dev, rows)
        candidate = Candidate(
            name=proposal.name,
            way=proposal.way,
            heads=way,
            merges=proposal.merges,
            bytes=self._other_bytes() + proposal.bytes,
            family_bytes=proposal.bytes,
            dev=dev,
            verdict=verdict,
            why=why,
            settings=proposal.settings,
        )
        return Tried(proposal, candidate, options[way])

    def _seen(self, frame: Frame, skill: Skill, proposal: Proposal, *, more: bool = False) -> Seen:
        one = next(rows for rows in self.rows if rows.skill.name == skill.name)
        fit = one.more if more else one.fit
        adapter = proposal.adapters[frame.name]
        features = [
            self.trial.passages(part.rows, skill.rendering).features(adapter) for part in (fit, one.dev)
        ]
        head = self.now.answering[skill.name].head
        return Seen(skill, head, features[0], fit.labels, features[1], one.dev.labels)

    def _smallest_ranks(self, family: Mapping[str, Adapter]) -> Iterable[Proposal]:
        """Of each frame the smallest rank at which dev rows lose nothing."""
        cuts = [one for one in self.tried if one.proposal.way == "rank"]
        if len(cuts) < 2 or len(family) < 2:
            return
        chosen, ranks = dict(family), dict.fromkeys(family, "whole")
        for one in cuts:  # from the highest rank to the lowest
            for change in one.candidate.dev.skills:
                if change.difference >= 0:
                    chosen[change.frame] = one.proposal.adapters[change.frame]
                    ranks[change.frame] = one.proposal.settings["rank"]
        if not any(one.proposal.adapters == chosen for one in cuts):
            yield Proposal("frame by frame", "rank", chosen, settings=ranks)

    def _other_bytes(self) -> int:
        """Of the adapters of all other frames; each has a file of its own."""
        family = {frame.name for frame in self.family.frames}
        return sum(adapter.bytes for name, adapter in self.adapters.items() if name not in family)

    def _leave_out(self) -> dict[str, str]:
        """Ways that make one frame of several, where no router can be fitted for that; and why."""
        try:
            self._present.store.check_texts(frame.content for frame in self.subject.frames)
            for name, (_, skill) in self.subject.skills.items():
                if skill.samples is None:
                    raise UsageError(f"The skill {name!r} kept no samples for a router.", "Train it again.")
        except SkillStackError as error:
            out = {way.name: error.message for way in self.ways if not way.alone}
            self.ways = tuple(way for way in self.ways if way.alone)
            if not self.ways:
                error.hint = f"{error.hint} Or try --method rank, which leaves the router as it is."
                raise
            return out
        return {}

    def _check_rows(self) -> None:
        for one in self.rows:
            if one.skill.name in {skill.name for _, skill in self.family.skills} and not len(one.dev):
                raise InputError(
                    f"The {many(len(one.fit), 'row')} of {one.skill.name!r} leave none to choose by.",
                    f"Give two or more of each label with --rows {one.skill.name}=FILE.",
                )

    def _check_adapters(self) -> None:
        for frame in self.family.frames:
            if self.adapters[frame.name].is_zero:
                raise UsageError(
                    f"The adapter of the frame {frame.name!r} is zero: it changes nothing.",
                    "Train the frame again with --method frozen-linear, or take it off the stack.",
                )


def _mean(seen: Sequence[Seen], found: Mapping[str, Head]) -> float:
    rights = [found[one.skill.name].logits(one.dev).argmax(axis=1) == one.dev_labels for one in seen]
    return macro([accuracy(right) for right in rights])


def _whole(rights: Sequence[Right]) -> Whole:
    own = [0.0 if right.own is None else accuracy(right.own) for right in rights]
    return Whole(macro(own), macro([accuracy(right.routed) for right in rights]))
